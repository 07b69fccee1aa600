import { number } from "../../format.js";
import { t } from "../../i18n/index.js";
import { speakerName } from "../../speakers.js";
import { html } from "../../view.js";
import { Bars } from "../bars/bars.js";
import { Chart } from "../chart/chart.js";

/** To whom each moderator gave the floor, and how often again to who had just had it. Counts, no verdict. */
export function Moderation({ jobId, statistics, look, shown }) {
  return statistics.moderation.map(({ speaker, floorGiven, followUps, overlapStartsBySide }) => {
    const title = t("moderation.title", { speaker: speakerName(speaker) });
    const given = Object.entries(floorGiven);
    if (!given.length) return null;
    const bars = given.map(([to, count]) => {
      const name = speakerName(to);
      const again = followUps[to] ?? 0;
      const label = t("moderation.given", { name, count, again });
      return {
        name,
        look: look.get(to),
        value: count,
        text: number(count),
        aside: again ? t("moderation.again", { count: again }) : "",
        label,
        figure: () => ({
          title: label,
          moments: statistics.evidence.handovers.filter((each) => each.speaker === speaker && each.to === to),
          tell: (moment) => moment.followUp && t("moderation.follow_up"),
        }),
      };
    });
    const begun = Object.entries(overlapStartsBySide ?? {});
    const over = begun.map(([side, count]) => t("moderation.over", { side: speakerName(side), count })).join(", ");
    const table = () => ({
      columns: [
        { name: t("table.speaker") },
        { name: t("moderation.floor_given"), format: number },
        { name: t("moderation.follow_ups"), format: number },
      ],
      rows: given.map(([to, count]) => ({ cells: [speakerName(to), count, followUps[to] ?? 0] })),
    });
    const note = over && t("moderation.began", { over });
    return html`<${Chart} key=${speaker} jobId=${jobId} title=${title} lead=${t("moderation.lead")} note=${note} table=${table}>
      <${Bars} rows=${bars} label=${title} shown=${shown} />
    <//>`;
  });
}
