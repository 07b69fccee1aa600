// Runs before the first paint, so that a chosen theme or language never flashes in late.
// Not a module and not inline: modules come too late, inline scripts are refused by our policy.
(function () {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    const locale = localStorage.getItem("locale");
    if (locale) document.documentElement.lang = locale;
  } catch {
    // Storage is blocked: system theme, browser language.
  }
})();
