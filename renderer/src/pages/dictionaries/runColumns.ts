// The figures of a run, as columns.
import { lossRecoveredText } from '../../../../main/contract/domain/lossRecovered.ts';
import type { Dictionary } from '../../api/types.ts';
import type { Column } from '../../components/ui/column.ts';
import { figure, percent, wholeNumber } from '../../state/format.ts';
import { GLOSSARY } from '../../state/glossary.ts';

export const runColumns: readonly Column<Dictionary>[] = [
  { title: 'Name', value: ({ name }) => name },
  { title: 'Architecture', value: ({ architecture }) => architecture },
  { title: 'Site', value: ({ site }) => site, isMono: true },
  { title: 'Features', value: ({ size }) => size, text: ({ size }) => wholeNumber(size), isNumber: true },
  {
    title: 'k',
    definition: 'Features that may fire on a token',
    value: ({ k }) => k,
    text: ({ k }) => (k === null ? '–' : wholeNumber(k)),
    isNumber: true,
  },
  {
    title: 'L0',
    definition: GLOSSARY.l0,
    value: ({ quality }) => quality?.l0 ?? null,
    text: ({ quality }) => (quality ? figure(quality.l0) : '–'),
    isNumber: true,
  },
  {
    title: 'FVU',
    definition: GLOSSARY.fvu,
    value: ({ quality }) => quality?.fvu ?? null,
    text: ({ quality }) => (quality ? figure(quality.fvu) : '–'),
    isNumber: true,
  },
  {
    title: 'Loss recovered',
    definition: GLOSSARY.lossRecovered,
    value: ({ quality }) => quality?.lossRecovered ?? null,
    text: ({ quality }) => (quality ? lossRecoveredText(quality) : '–'),
    isNumber: true,
  },
  {
    title: 'Dead',
    definition: GLOSSARY.deadFinal,
    value: ({ quality }) => quality?.deadFraction ?? null,
    text: ({ quality }) => (quality ? percent(quality.deadFraction) : '–'),
    isNumber: true,
  },
];
