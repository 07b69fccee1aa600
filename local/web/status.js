// Keeps the figures of /status up to date in place: whoever reads the page, with their eyes or a
// screen reader, stays where they are. Only what changed is touched.

const EVERY = 5000;

function read() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.responseType = "document";
    request.onload = () => resolve(request.response);
    request.onerror = reject;
    request.open("GET", "/status");
    request.send();
  });
}

function follow(element, fresh) {
  if (element.children.length !== fresh.children.length) {
    element.replaceWith(document.adoptNode(fresh));
  } else if (element.children.length === 0) {
    if (element.textContent !== fresh.textContent) element.textContent = fresh.textContent;
  } else {
    const newer = [...fresh.children];
    [...element.children].forEach((child, at) => follow(child, newer[at]));
  }
}

setInterval(async () => {
  if (document.hidden) return;
  try {
    const fresh = await read();
    follow(document.querySelector("main"), fresh.querySelector("main"));
  } catch {
    const state = document.querySelector("[role=status]");
    state.firstChild.textContent = state.dataset.gone;
  }
}, EVERY);
