// Runs before the first paint, so that a chosen theme or language never flashes in late, and before
// any module, so that one that is lost on its way is noticed.
// Not a module and not inline: modules come too late, inline scripts are refused by our policy.
(function () {
  const LOST = [
    ["en", "Part of this page was lost on its way.", "Load it again"],
    ["es", "Parte de esta página se perdió por el camino.", "Cargarla otra vez"],
  ];
  let again = location.href; // what was loaded again already
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    const locale = localStorage.getItem("locale");
    if (locale) document.documentElement.lang = locale;
    again = sessionStorage.getItem("loaded-again");
  } catch {
    // Storage is blocked: system theme, browser language, and nobody but the reader loads it again.
  }

  // A lost module takes all with it that need it, and stays lost to the browser until the page is
  // loaded again. We do so once; then we say it, and wait for a network that comes back.
  function recover() {
    if (navigator.onLine && again !== location.href) {
      sessionStorage.setItem("loaded-again", location.href);
      location.reload();
      return;
    }
    addEventListener("online", () => location.reload());
    const told = document.createElement("div");
    told.className = "without-script";
    told.role = "alert";
    for (const [lang, sentence, wish] of LOST) {
      const link = Object.assign(document.createElement("a"), { href: "", textContent: wish });
      const line = Object.assign(document.createElement("p"), { lang });
      line.append(`${sentence} `, link);
      told.append(line);
    }
    document.getElementById("app").replaceChildren(told);
  }

  function lose({ target }) {
    if (!(target instanceof HTMLScriptElement)) return;
    removeEventListener("error", lose, true); // the two that begin need the same modules
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", recover);
    else recover();
  }
  addEventListener("error", lose, true);
})();
