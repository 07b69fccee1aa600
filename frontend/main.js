import { begun } from "./ahead.js";
import { App } from "./components/app/app.js";
import { startRouter } from "./router.js";
import { saveSetting } from "./settings.js";
import { html, render } from "./view.js";

await begun;
startRouter();
const place = document.getElementById("app");
place.replaceChildren();
saveSetting("loaded-again", "", "sessionStorage"); // by boot.js, which may do so once more
render(html`<${App} />`, place);
