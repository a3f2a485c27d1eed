// Asking the API, and what its refusals mean to a page. Addresses are relative, so the pages also
// work behind a proxy that puts a path before them.

import { readKey } from "./key.js";

const ROOT = "api/v1";
const LONGEST_WAIT_MS = 30_000;

/**
 * An answer that is none.
 *
 * kind: `key` (401), `forbidden` (403), `busy` (429), `unavailable` (502, 503, 504), `network`
 * (nothing came), `wrong` (another 4xx) or `broken` (anything else).
 */
export class ApiError extends Error {
  constructor(kind, { status = 0, title = "", detail = "", retryAfter = null } = {}) {
    super(detail || title || kind);
    Object.assign(this, { kind, status, title, detail, retryAfter });
  }
}

function kindOf(status) {
  const kinds = { 401: "key", 403: "forbidden", 429: "busy" };
  if (kinds[status]) return kinds[status];
  if (status === 502 || status === 503 || status === 504) return "unavailable";
  return status >= 400 && status < 500 ? "wrong" : "broken";
}

function retryAfter(response) {
  const text = response.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(text) ? Number(text) : null;
}

async function refusal(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // A proxy's page, or nothing.
  }
  return new ApiError(kindOf(response.status), {
    status: response.status,
    title: String(problem.title ?? response.statusText),
    detail: String(problem.detail ?? ""),
    retryAfter: retryAfter(response),
  });
}

/** The address of a query; a list of values becomes a parameter for each. */
export function addressOf(path, query = {}) {
  const parameters = new URLSearchParams();
  for (const [name, values] of Object.entries(query)) {
    for (const one of [values].flat()) {
      if (one !== undefined) parameters.append(name, one === null ? "" : String(one));
    }
  }
  const text = parameters.toString();
  return `${ROOT}/${path}${text ? `?${text}` : ""}`;
}

/**
 * Return an answer of the API as an object.
 *
 * Throws ApiError; an AbortError if `signal` said to stop.
 */
export async function ask(path, query = {}, signal = undefined) {
  const headers = { Accept: "application/json" };
  const key = readKey();
  if (key !== null) headers.Authorization = `Bearer ${key}`;
  const stop = AbortSignal.timeout(LONGEST_WAIT_MS);
  try {
    const response = await fetch(addressOf(path, query), {
      headers,
      signal: signal ? AbortSignal.any([signal, stop]) : stop,
    });
    if (!response.ok) throw await refusal(response);
    return await response.json();
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    if (error instanceof SyntaxError) throw new ApiError("broken", { title: "No JSON came." });
    throw new ApiError("network", { detail: error.message });
  }
}
