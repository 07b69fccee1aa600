import { begun } from "./ahead.js";
import { App } from "./components/app/app.js";
import { startRouter } from "./router.js";
import { html, render } from "./view.js";

await begun;
startRouter();
const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
