"""What every page has to keep, as scripts that run in it: contrast, widths, layout shift.

Belongs here: measuring a page. Does not belong here: what a page shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

# WCAG 2.2, 1.4.3: relative luminance, and 4.5 to 1 for text of this size.
_CONTRASTS = """() => {
  const parts = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = colour.map((part) => {
      const one = part / 255;
      return one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const over = (front, back, alpha) =>
    front.map((one, index) => one * alpha + back[index] * (1 - alpha));
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
      if (r !== undefined && a > 0) layers.push([[r, g, b], a]);
      if (a === 1 && r !== undefined) break;
    }
    return layers.reduceRight((back, [front, alpha]) => over(front, back, alpha), [255, 255, 255]);
  };
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const found = [];
  const add = (text, front, back) => {
    const value = ratio(front, back);
    if (value < 4.5) found.push(`${text.trim().slice(0, 40)}: ${value.toFixed(2)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent;
    if (!text.trim() || !element.checkVisibility()) continue;
    if (element.closest("svg, :disabled, .unseen, .calendar .off, noscript")) continue;
    const back = ground(element);
    const [r, g, b, a = 1] = parts(getComputedStyle(element).color);
    add(text, over([r, g, b], back, a), back);
  }
  for (const slice of document.querySelectorAll(".slice")) {
    const text = slice.querySelector("text");
    if (!text || !text.textContent.trim()) continue;
    add(text.textContent, parts(getComputedStyle(text).fill).slice(0, 3),
      parts(getComputedStyle(slice.querySelector("path")).fill).slice(0, 3));
  }
  return found;
}"""

_MOVED = """() => new Promise((resolve) => {
  const found = [];
  const name = (node) => {
    const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (!element) return "something that is gone";
    const inside = element.id ? null : element.parentElement?.closest("[id]");
    const marks = [element.id ? `#${element.id}` : "", ...element.classList].join(".");
    return `${inside ? `#${inside.id} ` : ""}${element.tagName.toLowerCase()}${marks}`;
  };
  const corner = ({ x, y }) => `${Math.round(x)},${Math.round(y)}`;
  const keep = (entries) => {
    for (const { value, sources } of entries) {
      // A line of text that moves by a pixel, as fonts differ; a tile's 5 px are 0.008.
      if (value < 0.001) continue;
      const moves = sources.map(({ node, previousRect, currentRect }) =>
        `${name(node)} from ${corner(previousRect)} to ${corner(currentRect)}`);
      found.push(`${value.toFixed(4)}: ${moves.join("; ")}`);
    }
  };
  const observer = new PerformanceObserver((list) => keep(list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  // What moves in this frame is told when it has been painted.
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
    keep(observer.takeRecords());
    observer.disconnect();
    resolve(found);
  })));
})"""

_PAINTED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  while (!performance.getEntriesByName("first-contentful-paint").length) await frame();
  // What is drawn in a frame is on the screen when the next but one begins.
  await frame();
  await frame();
}"""

_TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
  .filter((one) => {
    for (let at = one.parentElement; at; at = at.parentElement) {
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(at).overflowX)) return false;
    }
    return true;
  })
  .map((one) => one.outerHTML.slice(0, 80))"""

_CUT_OFF = """(selector) => [...document.querySelectorAll(selector)]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)
  .map((one) => one.textContent)"""

_OUTSIDE = """([selector, frame]) => {
  const edge = document.querySelector(frame).getBoundingClientRect();
  return [...document.querySelectorAll(selector)].filter((one) => {
    const { left, right, top, bottom } = one.getBoundingClientRect();
    return left < edge.left || right > edge.right || top < edge.top || bottom > edge.bottom;
  }).map((one) => one.textContent);
}"""

_BROKEN = """(selector) => {
  const found = [];
  for (const element of document.querySelectorAll(selector)) {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (element.checkVisibility() && walker.nextNode()) {
      for (const word of walker.currentNode.textContent.matchAll(/[^\\s-]+/g)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, word.index);
        range.setEnd(walker.currentNode, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (lines.size > 1) found.push(word[0]);
      }
    }
  }
  return found;
}"""

_OVERPRINTED = """(selector) => {
  const texts = [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const box = (one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    const text = range.getBoundingClientRect();
    const own = one.getBoundingClientRect();
    const clips = getComputedStyle(one).overflowX !== "visible";
    return { ...text.toJSON(), right: clips ? Math.min(text.right, own.right) : text.right };
  };
  const found = [];
  texts.forEach((one, index) => {
    for (const other of texts.slice(index + 1)) {
      const [a, b] = [box(one), box(other)];
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) {
        found.push(`${one.textContent} and ${other.textContent}`);
      }
    }
  });
  return found;
}"""


def faint_texts(page: Page) -> list[str]:
    """Return texts whose contrast is below 4.5 to 1, those of the treemap included."""
    found: list[str] = page.evaluate(_CONTRASTS)
    return found


def moved(page: Page) -> list[str]:
    """Return all shifts of the layout so far, each with its value and what moved.

    Those with `hadRecentInput` too: without any input Chromium marks so what moves in the first
    half second on a phone that it only plays, and a busy machine is later than that.
    """
    found: list[str] = page.evaluate(_MOVED)
    return found


def let_paint(page: Page) -> None:
    """Wait until the page has been painted as it is now."""
    page.evaluate(_PAINTED)


def too_wide(page: Page) -> list[str]:
    """Return what stands out of the page on the right, without a scroll bar of its own."""
    found: list[str] = page.evaluate(_TOO_WIDE)
    width: dict[str, Any] = page.evaluate(
        "() => ({all: document.documentElement.scrollWidth, seen: innerWidth})"
    )
    if width["all"] > width["seen"]:
        found.append(f"the page is {width['all']} wide, the window {width['seen']}")
    return found


def cut_off(page: Page, selector: str) -> list[str]:
    """Return texts that are wider than the elements they are in."""
    found: list[str] = page.evaluate(_CUT_OFF, selector)
    return found


def outside(page: Page, selector: str, frame: str) -> list[str]:
    """Return texts that are not wholly inside of an element."""
    found: list[str] = page.evaluate(_OUTSIDE, [selector, frame])
    return found


def broken(page: Page, selector: str) -> list[str]:
    """Return words and numbers that go on in another line."""
    found: list[str] = page.evaluate(_BROKEN, selector)
    return found


def overprinted(page: Page, selector: str) -> list[str]:
    """Return pairs of texts that stand on each other."""
    found: list[str] = page.evaluate(_OVERPRINTED, selector)
    return found
