// README.md of an artifact: what it is, what its verification found, and how to load it.
import type { EquivalenceReport, PythonCheck } from '../../contract/domain/equivalence.ts';
import { numberOf } from '../../contract/domain/operations/index.ts';
import type { ExportForm } from './forms/form.ts';
import type { Manifest } from './manifest.ts';

type Facts = Omit<Manifest, 'id' | 'format' | 'files'>;

export function artifactReadme(form: ExportForm, facts: Facts, report: EquivalenceReport): string {
  const { model, edit } = facts;
  const operations = edit.operations.map((operation, index) => {
    const { site, dictionary, feature, scope, gates, kind } = operation;
    const number = numberOf(operation);
    const gate = gates.map((one) => `${one.feature} > ${one.threshold}`).join(' or ');
    const where = [scope.positions, ...(gate === '' ? [] : [`where feature ${gate}`])].join(', ');
    const badge = facts.exactness[index]?.badge ?? '';
    return `| ${kind}${number === null ? '' : ` ${number}`} | ${feature} | ${site} | ${dictionary.slice(0, 10)} | ${where} | ${badge} |`;
  });
  return `# A patched model

Written by Errata ${facts.tool.version}. ${model.type}, model ${model.hash.slice(0, 10)}, edit ${edit.id.slice(0, 10)}. ${form.readme.what}

| operation | feature | site | dictionary | where | exactness |
| --- | --- | --- | --- | --- | --- |
${operations.join('\n')}

## Files
${form.readme.files(facts)}
- \`manifest.json\` (hashes of everything), \`equivalence.json\` (the report below), \`reference.safetensors\` (what the workbench gave), \`check.py\` (compares the two in Python). Check everything at any time: \`errata verify FOLDER\`.

## Verified
${verifiedText(report)}
${form
  .loadingCode(facts)
  .map(({ title, language, code }) => `\n## ${title}\n\`\`\`${language}\n${code}\`\`\`\n`)
  .join('')}`;
}

function verifiedText({ equivalence, effect, deviation, formula, python, warnings, notes }: EquivalenceReport): string {
  const { logits, greedy } = equivalence;
  const percent = (share: number, digits: number) => `${(100 * share).toFixed(digits)}%`;
  return [
    `Loaded afresh from these files and compared with the model in the workbench on ${logits.positions} positions: max |Δlogit| ${logits.maxAbsLogitDiff.toExponential(2)} (standard deviation of the logits: ${logits.logitStd.toPrecision(3)}), mean KL ${logits.meanKl.toExponential(2)} nats; greedy texts of ${greedy.prompts} × ${greedy.newTokens} tokens agree in ${percent(greedy.agreement, 2)}.`,
    `The edit itself changes the logits there by up to ${effect.logits.maxAbsLogitDiff.toPrecision(3)}, mean KL ${effect.logits.meanKl.toPrecision(3)} nats; ${percent(effect.greedyAgreement, 1)} of the greedy tokens stay the same.`,
    ...(deviation
      ? [
          `**It is not the edit at its site alone**, since earlier blocks read the projected stream, too: against that edit the logits differ by up to ${deviation.logits.maxAbsLogitDiff.toPrecision(3)}, mean KL ${deviation.logits.meanKl.toPrecision(3)} nats; ${percent(deviation.greedyAgreement, 1)} of the greedy tokens are the same. The comparison above is with the projection at every write.`,
        ]
      : []),
    ...(formula
      ? [
          `The formula of the Python file, in double precision and from the exported files, gives the workbench's activations to ${formula.maxAbsDiff.toExponential(2)} (tolerated are ${formula.tolerance.toExponential(2)}) at ${formula.positions - formula.undecided} positions${formula.undecided > 0 ? `; at ${formula.undecided} more, rounding decides whether a feature fires` : ''}.`,
        ]
      : []),
    ...(python ? [pythonText(python)] : []),
    ...notes,
    ...warnings.map((warning) => `**${warning}**`),
  ].join('\n\n');
}

function pythonText(python: PythonCheck): string {
  if (python.state === 'notChecked') return `Not checked in Python at the time of the export: ${python.reason}`;
  const versions = Object.entries(python.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  return `Checked in Python (${versions}): max |Δlogit| ${python.maxAbsLogitDiff.toExponential(2)}, mean KL ${python.meanKl.toExponential(2)} nats on ${python.positions} positions; ${python.greedyTextsEqual} of ${python.greedyTexts} greedy texts are the same.`;
}
