/** Lays the menu below its button, or above it near the end of the screen, and into the page; it scrolls with it. */
export function place(menu, button) {
  const { top, bottom, right } = button.getBoundingClientRect();
  const { clientHeight, clientWidth } = document.documentElement;
  const below = bottom < clientHeight * 0.6;
  menu.style.top = below ? `${bottom + scrollY}px` : "auto";
  menu.style.bottom = below ? "auto" : `${clientHeight - top - scrollY}px`;
  menu.style.right = `clamp(0px, ${clientWidth - right}px, 100% - var(--width))`;
}
