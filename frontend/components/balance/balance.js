import { duration, number, percent } from "../../format.js";
import { t } from "../../i18n/index.js";
import { speakerName } from "../../speakers.js";
import { momentsOf } from "../../statistics.js";
import { html } from "../../view.js";
import { Bars } from "../bars/bars.js";
import { Chart } from "../chart/chart.js";
import { figureOf } from "../figures/evidence.js";

/** Percentage points with their sign. */
const points = (difference) => t("balance.points", { value: `${difference < 0 ? "−" : "+"}${number(Math.abs(difference * 100))}` });

/** Everybody who debates, beside an equal share. */
function evenBars({ statistics, rows, look }) {
  return rows
    .filter(({ balance }) => balance)
    .map((row) => {
      const { evenShare, difference } = row.balance;
      return { name: speakerName(row.speaker), look: look.get(row.speaker), value: evenShare + difference, target: evenShare, figure: () => figureOf(statistics, row, "speakingTime") };
    });
}

/** Each side, beside its share of the people. */
function sideBars({ statistics }) {
  return statistics.balance.sides.map(({ side, speakers, share, headcountShare }) => ({
    name: side,
    value: share,
    target: headcountShare,
    figure: () => ({
      title: t("balance.side", { side }),
      moments: speakers.flatMap((speaker) => momentsOf(statistics, "speakingTime", speaker)).sort((a, b) => a.start - b.start),
      tell: (moment, mark) => mark(moment.speaker),
    }),
  }));
}

function shareText(bar) {
  const text = percent(bar.value);
  const aside = points(bar.value - bar.target);
  return { ...bar, text, aside, label: t("balance.of_target", { name: bar.name, value: text, target: percent(bar.target), aside }) };
}

/** Each agreed part, beside the time agreed for it. */
function agreedBars({ statistics, look }) {
  return statistics.balance.agreed.map(({ name, speaker, start, end, agreed, used, overrun }) => {
    const who = speakerName(speaker);
    const bar = {
      name: name ? t("balance.slot", { name, speaker: who }) : who,
      look: look.get(speaker),
      value: used,
      target: agreed,
      text: duration(used),
      aside: `${overrun < 0 ? "−" : "+"}${duration(Math.abs(overrun))}`,
    };
    const inSlot = (moment) => start == null || (moment.start < end && moment.end > start);
    return {
      ...bar,
      label: t("balance.of_target", { ...bar, value: bar.text, target: duration(agreed) }),
      figure: () => ({ title: `${bar.name}: ${bar.text}`, moments: momentsOf(statistics, "speakingTime", speaker).filter(inSlot) }),
    };
  });
}

function BalanceChart({ jobId, shown, name, bars, format, note }) {
  const table = () => ({
    columns: [
      { name: t(name === "sides" ? "balance.side_name" : "table.speaker") },
      { name: t("balance.had"), format },
      { name: t(`balance.${name}_target`), format },
    ],
    rows: bars.map((bar) => ({ cells: [bar.name, bar.value, bar.target] })),
  });
  return html`<${Chart} jobId=${jobId} title=${t(`balance.${name}`)} lead=${t(`balance.${name}_lead`)} note=${note} table=${table}>
    <${Bars} rows=${bars} label=${t(`balance.${name}`)} shown=${shown} />
  <//>`;
}

/** Who had how much of the time, beside what was agreed or, where nothing was, what would be even. */
export function Balance(props) {
  const { jobId, shown, statistics } = props;
  const { evenness } = statistics.balance;
  const agreed = agreedBars(props);
  const even = evenBars(props).map(shareText);
  const sides = sideBars(props).map(shareText);
  const chart = { jobId, shown };
  return html`
    ${agreed.length > 0 && html`<${BalanceChart} ...${chart} name="agreed" bars=${agreed} format=${duration} />`}
    ${even.length > 1 &&
    html`<${BalanceChart}
      ...${chart}
      name="even"
      bars=${even}
      format=${percent}
      note=${evenness == null ? null : t("balance.evenness", { value: number(evenness, 2) })}
    />`}
    ${sides.length > 1 && html`<${BalanceChart} ...${chart} name="sides" bars=${sides} format=${percent} />`}
  `;
}
