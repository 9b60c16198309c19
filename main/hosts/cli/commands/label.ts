// Labels of features: set, looked up, searched, taken back, discussed, collected on lists.
import { AppError } from '../../../contract/base/errors.ts';
import { LABEL_STATES, type FeatureKey, type Label, type LabelPatch } from '../../../contract/domain/label.ts';
import { SEARCH_MODES, type Excerpt } from '../../../storage/entities/labelSearch.ts';
import { summarizeLabels } from '../../../workbench/label.ts';
import type { Command, CommandArguments, Option } from '../command.ts';
import {
  AUTHOR_OPTIONS,
  authorOf,
  DICTIONARY_OPTION,
  dictionaryHash,
  FEATURES,
  featureKeys,
  oneFeature,
  shortTime,
  withProject,
  withProjectToRead,
} from '../openProject.ts';
import { flag, oneOf, optionalNumber, optionalText, positionals, texts } from '../values.ts';
import { labelFileCommands } from './labelFile.ts';

const LIMIT_OPTION: Readonly<Record<string, Option>> = {
  limit: { type: 'string', short: 'n', description: 'How many at most.' },
};

function line({ feature, state, text, tags, confidence, author, time }: FeatureKey & Label): string {
  const extras = [
    ...(tags.length > 0 ? [`[${tags.join(', ')}]`] : []),
    ...(confidence === null ? [] : [`confidence ${confidence}`]),
  ];
  return `#${String(feature).padEnd(6)} ${state.padEnd(15)} ${text}${extras.length > 0 ? `  ${extras.join(' ')}` : ''}  (${author}, ${shortTime(time)})`;
}

/** The label's fields that the options give. */
function patchOf(arguments_: CommandArguments, text: string | undefined): LabelPatch {
  const confidence = optionalText(arguments_, 'confidence');
  const tags = texts(arguments_, 'tag');
  return {
    text,
    state: oneOf(arguments_, 'state', LABEL_STATES),
    notes: optionalText(arguments_, 'notes'),
    tags: flag(arguments_, 'no-tags') ? [] : tags.length > 0 ? tags : undefined,
    confidence:
      confidence === 'none'
        ? null
        : optionalNumber(confidence === undefined ? { positionals: [], values: {} } : arguments_, 'confidence', {
            min: 1,
            max: 5,
            integer: true,
          }),
  };
}

const labelSet: Command = {
  name: 'label set',
  summary: 'Label features: text, tags, notes, confidence, state.',
  usage: 'label set FEATURES [TEXT] [--tag TAG …] [--confidence 1-5] [--state STATE]',
  examples: [
    'label set 12 "harmful requests" --tag safety --confidence 4',
    'label set 300-399 --state uninterpretable --reason "dead"',
  ],
  options: {
    ...DICTIONARY_OPTION,
    state: { type: 'string', description: LABEL_STATES.join(', ') + '.' },
    tag: {
      type: 'string',
      short: 't',
      multiple: true,
      description: 'A tag; those given replace all that the label has.',
    },
    'add-tag': { type: 'string', multiple: true, description: 'A tag to add to those that each has.' },
    'remove-tag': { type: 'string', multiple: true, description: 'A tag taken from those that have it.' },
    'no-tags': { type: 'boolean', description: 'Take all tags away.' },
    notes: { type: 'string', description: 'Notes, of several lines if need be.' },
    confidence: { type: 'string', short: 'c', description: '1 (a guess) to 5 (certain), or none.' },
    revision: {
      type: 'string',
      description: 'The revision that was seen: if somebody has changed the label since, nothing is done.',
    },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [features, text, ...rest] = arguments_.positionals;
      if (features === undefined || rest.length > 0) {
        throw new AppError(
          'usage',
          `errata label set: ${features === undefined ? 'FEATURES are missing' : 'quote the text'}. ${FEATURES}`,
        );
      }
      const patch = patchOf(arguments_, text);
      const tags = { addTags: texts(arguments_, 'add-tag'), removeTags: texts(arguments_, 'remove-tag') };
      const isNothing = Object.values(patch).every((value) => value === undefined);
      if (isNothing && tags.addTags.length + tags.removeTags.length === 0)
        throw new AppError('usage', 'errata label set: say what to set.');
      const keys = featureKeys(project, features, optionalText(arguments_, 'dictionary'));
      const expectedRevision = optionalNumber(arguments_, 'revision', { min: 0, integer: true });
      const labels = project.labels.setMany(keys, patch, { ...authorOf(arguments_), expectedRevision }, tags);
      for (const label of labels.slice(0, 20)) if (label !== null) context.print(line(label));
      if (labels.length > 20) context.print(`… ${labels.length} features in all.`);
      return { changed: labels.length, labels: labels.slice(0, 1000) };
    }),
};

const labelShow: Command = {
  name: 'label show',
  summary: 'Show the label of a feature with its notes and comments.',
  usage: 'label show FEATURE',
  options: DICTIONARY_OPTION,
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [feature] = positionals(arguments_, ['FEATURE'], 'label show');
      const key = oneFeature(project, feature, optionalText(arguments_, 'dictionary'));
      const label = project.labels.get(key);
      const comments = project.labels.comments(key);
      context.print(label === null ? `#${key.feature} is not labelled.` : line(label));
      if (label !== null && label.notes !== '') context.print(label.notes);
      for (const { id, body, author, time } of comments)
        context.print(`${author}, ${shortTime(time)} (${id.slice(0, 8)}): ${body}`);
      return { ...key, label, comments, revision: label?.revision ?? 0 };
    }),
};

const labelList: Command = {
  name: 'label list',
  summary: 'List labels in the order of their features, with counts by state.',
  usage: 'label list [--state STATE …] [--tag TAG] [--list NAME] [--limit N]',
  options: {
    ...DICTIONARY_OPTION,
    state: { type: 'string', multiple: true, description: LABEL_STATES.join(', ') + '.' },
    tag: { type: 'string', short: 't', description: 'Only labels with this tag.' },
    list: { type: 'string', description: 'Only features of this list.' },
    after: { type: 'string', description: 'Go on after this feature.' },
    ...LIMIT_OPTION,
  },
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      positionals(arguments_, [], 'label list');
      const name = optionalText(arguments_, 'dictionary');
      const dictionary = name === undefined ? undefined : dictionaryHash(project, name);
      const states = texts(arguments_, 'state').map((state) => {
        const known = LABEL_STATES.find((each) => each === state);
        if (known === undefined)
          throw new AppError('usage', `--state must be one of ${LABEL_STATES.join(', ')}, not "${state}".`);
        return known;
      });
      const after = optionalText(arguments_, 'after');
      const labels = project.labels.list(
        {
          dictionary,
          states: states.length === 0 ? undefined : states,
          tag: optionalText(arguments_, 'tag'),
          list: optionalText(arguments_, 'list'),
        },
        optionalNumber(arguments_, 'limit', { min: 1, max: 100_000, integer: true }) ?? 100,
        after === undefined ? null : oneFeature(project, after, name),
      );
      const { counts, tags } = summarizeLabels({ project }, dictionary === undefined ? {} : { dictionary });
      for (const label of labels) context.print(line(label));
      context.print(LABEL_STATES.map((state) => `${counts[state]} ${state}`).join(', ') + '.');
      return { labels, counts, tags };
    }),
};

const labelSearch: Command = {
  name: 'label search',
  summary: 'Search labels, notes, tags and comments, by words or pieces of words.',
  usage: 'label search QUERY [--mode words|substrings|both]',
  examples: ['label search "harmful req"'],
  options: {
    ...DICTIONARY_OPTION,
    mode: { type: 'string', description: `${SEARCH_MODES.join(', ')}; both when left out.` },
    ...LIMIT_OPTION,
  },
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [query] = positionals(arguments_, ['QUERY'], 'label search');
      const name = optionalText(arguments_, 'dictionary');
      const hits = project.search(query, {
        mode: oneOf(arguments_, 'mode', SEARCH_MODES),
        dictionary: name === undefined ? undefined : dictionaryHash(project, name),
        limit: optionalNumber(arguments_, 'limit', { min: 1, max: 1000, integer: true }),
      });
      for (const { feature, state, text, tags, notes, comments } of hits) {
        const where = [tags, notes, comments].filter(({ matches }) => matches.length > 0).map(marked);
        context.print([`#${String(feature).padEnd(6)} ${state.padEnd(15)} ${marked(text)}`, ...where].join('  ·  '));
      }
      if (hits.length === 0) context.print('Nothing found.');
      return { hits };
    }),
};

/** What matched stands in brackets. */
function marked({ text, matches }: Excerpt): string {
  let shown = '';
  let at = 0;
  for (const [start, end] of matches) {
    shown += `${text.slice(at, start)}[${text.slice(start, end)}]`;
    at = end;
  }
  return (shown + text.slice(at)).replaceAll('\n', ' ↵ ');
}

const labelHistory: Command = {
  name: 'label history',
  summary: 'Who changed the label of a feature, when, from what to what, and why.',
  usage: 'label history FEATURE',
  options: DICTIONARY_OPTION,
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [feature] = positionals(arguments_, ['FEATURE'], 'label history');
      const history = project.labels.history(oneFeature(project, feature, optionalText(arguments_, 'dictionary')));
      for (const { change, step, before, after } of history) {
        const what = `${JSON.stringify(before?.text ?? '')} → ${JSON.stringify(after?.text ?? '')} (${after?.state ?? 'unlabelled'})`;
        context.print(
          `${change}  ${shortTime(step.time)}  ${step.author}${step.kind === 'do' ? '' : ` (${step.kind})`}: ${what}${step.reason === '' ? '' : `  ${step.reason}`}`,
        );
      }
      if (history.length === 0) context.print('It has never been labelled.');
      return { history };
    }),
};

const labelRestore: Command = {
  name: 'label restore',
  summary: 'Bring back an earlier state of a label, as its history names it.',
  usage: 'label restore FEATURE CHANGE [--before]',
  options: {
    ...DICTIONARY_OPTION,
    before: { type: 'boolean', description: 'The state before that change, not after it.' },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [feature, change] = positionals(arguments_, ['FEATURE', 'CHANGE'], 'label restore');
      if (!/^\d{1,15}$/u.test(change))
        throw new AppError(
          'usage',
          `"${change.slice(0, 40)}" is not a change. errata label history lists them by number.`,
        );
      const key = oneFeature(project, feature, optionalText(arguments_, 'dictionary'));
      const label = project.labels.restore(key, Number(change), {
        ...authorOf(arguments_),
        side: flag(arguments_, 'before') ? 'before' : 'after',
      });
      context.print(label === null ? `#${key.feature} is unlabelled again.` : line(label));
      return { ...key, label };
    }),
};

const labelRemove: Command = {
  name: 'label remove',
  summary: 'Take the label of a feature away. Its history stays.',
  usage: 'label remove FEATURE',
  options: { ...DICTIONARY_OPTION, ...AUTHOR_OPTIONS },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const [feature] = positionals(arguments_, ['FEATURE'], 'label remove');
      const key = oneFeature(project, feature, optionalText(arguments_, 'dictionary'));
      project.labels.remove(key, authorOf(arguments_));
      context.print(`#${key.feature} is unlabelled.`);
      return { ...key, label: null };
    }),
};

const labelComment: Command = {
  name: 'label comment',
  summary: 'Comment on a feature, or take a comment away.',
  usage: 'label comment FEATURE TEXT | label comment FEATURE --remove COMMENT',
  options: {
    ...DICTIONARY_OPTION,
    remove: { type: 'string', description: 'The comment to take away, by the first digits of its id.' },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const id = optionalText(arguments_, 'remove');
      if (id === undefined) {
        const [feature, text] = positionals(arguments_, ['FEATURE', 'TEXT'], 'label comment');
        const comment = project.labels.addComment(
          oneFeature(project, feature, optionalText(arguments_, 'dictionary')),
          text,
          authorOf(arguments_),
        );
        context.print(`Comment ${comment.id.slice(0, 8)} added.`);
        return { comment };
      }
      const [feature] = positionals(arguments_, ['FEATURE'], 'label comment --remove');
      const comments = project.labels.comments(oneFeature(project, feature, optionalText(arguments_, 'dictionary')));
      const [comment, other] = comments.filter((each) => each.id.startsWith(id));
      if (comment === undefined || other !== undefined)
        throw new AppError(
          'not-found',
          `${comment === undefined ? 'No comment' : 'Several comments'} there begin with ${id.slice(0, 40)}.`,
        );
      project.labels.removeComment(comment.id, authorOf(arguments_));
      context.print('Comment removed.');
      return { removed: comment };
    }),
};

const labelLists: Command = {
  name: 'label lists',
  summary: 'Show the named lists of features, or what is in one.',
  usage: 'label lists [NAME]',
  options: {},
  run: (arguments_, context) =>
    withProjectToRead(context, (project) => {
      const [name, ...rest] = arguments_.positionals;
      if (rest.length > 0) throw new AppError('usage', 'errata label lists: one name at most.');
      if (name === undefined) {
        const lists = project.lists.all();
        for (const list of lists)
          context.print(`${list.name}: ${list.size} features${list.description === '' ? '' : `, ${list.description}`}`);
        if (lists.length === 0) context.print('No lists yet. errata label collect NAME FEATURES makes one.');
        return { lists };
      }
      const members = project.lists.members(name).map((key) => ({ ...key, text: project.labels.get(key)?.text ?? '' }));
      for (const { feature, text } of members) context.print(`#${String(feature).padEnd(6)} ${text}`);
      return { name, members };
    }),
};

const labelCollect: Command = {
  name: 'label collect',
  summary: 'Put features on a named list, take them off, or remove the list.',
  usage: 'label collect NAME [FEATURES] [--take | --remove] [--description TEXT]',
  options: {
    ...DICTIONARY_OPTION,
    take: { type: 'boolean', description: 'Take the features off the list.' },
    remove: { type: 'boolean', description: 'Remove the whole list.' },
    description: { type: 'string', description: 'What the list is for.' },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, (project) => {
      const write = authorOf(arguments_);
      if (flag(arguments_, 'remove')) {
        const [name] = positionals(arguments_, ['NAME'], 'label collect --remove');
        project.lists.remove(name, write);
        context.print(`The list ${name} is gone; errata undo brings it back.`);
        return { removed: name };
      }
      const [given, features, ...rest] = arguments_.positionals;
      if (given === undefined || rest.length > 0)
        throw new AppError('usage', `errata label collect: name a list. ${FEATURES}`);
      const known = project.lists.all().find((list) => list.name === given);
      const description = optionalText(arguments_, 'description');
      const name =
        known === undefined || description !== undefined ? project.lists.save(given, description ?? '', write) : given;
      if (features !== undefined) {
        const keys = featureKeys(project, features, optionalText(arguments_, 'dictionary'));
        if (flag(arguments_, 'take')) project.lists.take(name, keys, write);
        else project.lists.add(name, keys, write);
      }
      const size = project.lists.members(name).length;
      context.print(`${name}: ${size} features.`);
      return { name, size };
    }),
};

export const labelCommands: readonly Command[] = [
  labelSet,
  labelShow,
  labelList,
  labelSearch,
  labelHistory,
  labelRestore,
  labelRemove,
  labelComment,
  labelLists,
  labelCollect,
  ...labelFileCommands,
];
