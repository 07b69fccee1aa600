import { App } from "./components/app/app.js";
import { preferredLocale, setLocale } from "./i18n/index.js";
import { startRouter } from "./router.js";
import { html, render } from "./view.js";

await setLocale(preferredLocale());
startRouter();
const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
