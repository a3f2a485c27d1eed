"""What every page has to keep, as scripts that run in it: contrast, width, layout shift.

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

_SHIFT = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
    resolve(sum);
  }).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
})"""

_TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
  .filter((one) => {
    for (let at = one.parentElement; at; at = at.parentElement) {
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(at).overflowX)) return false;
    }
    return true;
  })
  .map((one) => one.outerHTML.slice(0, 80))"""


def faint_texts(page: Page) -> list[str]:
    """Return texts whose contrast is below 4.5 to 1, those of the treemap included."""
    found: list[str] = page.evaluate(_CONTRASTS)
    return found


def layout_shift(page: Page) -> float:
    """Return the sum of all shifts of the layout so far; below 0.1 is good for Web Vitals."""
    return float(page.evaluate(_SHIFT))


def too_wide(page: Page) -> list[str]:
    """Return what stands out of the page on the right, without a scroll bar of its own."""
    found: list[str] = page.evaluate(_TOO_WIDE)
    width: dict[str, Any] = page.evaluate(
        "() => ({all: document.documentElement.scrollWidth, seen: innerWidth})"
    )
    if width["all"] > width["seen"]:
        found.append(f"the page is {width['all']} wide, the window {width['seen']}")
    return found
