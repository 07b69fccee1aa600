/** The segments' elements, by fifty: a browser watches which groups are near, not each of 3,000. */
import { html } from "../../view.js";

export const GROUP = 50;

export function inGroups(items) {
  const count = Math.ceil(items.length / GROUP);
  return Array.from(
    { length: count },
    (_, n) => html`<div key=${n} class="segment-group">${items.slice(n * GROUP, (n + 1) * GROUP)}</div>`,
  );
}

/** The element of the segment with this index, or undefined. */
export const elementOf = (list, index) => list.children[Math.floor(index / GROUP)]?.children[index % GROUP];

export const indexOf = (element) => Number(element.closest(".segment").dataset.index);
