// The words of Errata, one for each thing, as the window, the commands and the documentation use them. The window shows them under
// Help; docs/glossary.md is made of them.

export interface Term {
  readonly term: string;
  readonly meaning: string;
}

export const TERMS: readonly Term[] = [
  { term: 'ablate', meaning: 'An operation that sets a feature to 0.' },
  { term: 'activation', meaning: 'How strongly a feature fires on a token. 0: it is silent.' },
  { term: 'activation store', meaning: 'Activations of a model at a site, captured over a corpus, on the disk.' },
  { term: 'aim', meaning: 'What an edit should do to a behaviour: reduce it, increase it, or preserve it.' },
  { term: 'base model', meaning: 'The model without the edit.' },
  {
    term: 'baseline',
    meaning: 'What else could be done in place of the edit: random features, steering, an instruction in the prompt.',
  },
  { term: 'behaviour', meaning: 'A suite of prompts with automatic checks: what a model does, made measurable.' },
  { term: 'blast radius', meaning: 'The features whose firing an edit changes on clean text, the edited ones aside.' },
  { term: 'branch', meaning: 'A named line of versions. A new version moves it ahead.' },
  { term: 'budget', meaning: 'What an edit may cost: limits for targets, preserved behaviours and cross-entropy.' },
  { term: 'capture', meaning: 'To run a model over a corpus and keep the activations at a site.' },
  { term: 'case', meaning: 'One prompt of a behaviour, with its checks.' },
  { term: 'check', meaning: 'A test of an answer that needs no judge: contains a text, refuses, prefers one token.' },
  {
    term: 'clampActive',
    meaning: 'An operation that sets a feature to a value where it fires, and leaves it alone elsewhere.',
  },
  { term: 'commit', meaning: 'To make the working edit a version.' },
  { term: 'confidence', meaning: 'How sure a labeller is of a label, from 1 (a guess) to 5 (certain).' },
  { term: 'damage', meaning: 'What an edit takes from behaviours that should be preserved, in nats.' },
  { term: 'decoder row', meaning: 'The direction that a feature writes into the site when it fires.' },
  {
    term: 'dictionary',
    meaning: 'A sparse autoencoder or transcoder: it reads a site and splits it into features.',
  },
  { term: 'dose', meaning: 'The edit at another strength: 0 is the base model, 1 the edit as committed.' },
  {
    term: 'edit',
    meaning: 'A list of operations on features. The weights of the model are not retrained.',
  },
  { term: 'evaluation', meaning: 'What an edit does, measured on held-out prompts and text, with intervals.' },
  { term: 'exact', meaning: 'An export that computes what the workbench shows, up to rounding.' },
  { term: 'export form', meaning: 'How a patched model is written: ONNX, a checkpoint, weights with a hook.' },
  { term: 'feature', meaning: 'One direction of a dictionary, with the condition under which it fires.' },
  { term: 'finding', meaning: 'What a search for an edit found: its causes, its steps, the edit it proposes.' },
  { term: 'firing rate', meaning: 'The share of tokens on which a feature fires.' },
  { term: 'gate', meaning: 'A condition of an operation: it acts only where another feature is above a threshold.' },
  { term: 'HEAD', meaning: 'The version that the working edit started from.' },
  { term: 'held-out', meaning: 'Prompts and text that no search has seen; figures of reports are made of them.' },
  { term: 'label', meaning: 'What a person says a feature represents; a draft until it is marked labelled.' },
  { term: 'list', meaning: 'A named set of features.' },
  { term: 'merge', meaning: 'To bring the operations of one branch into another.' },
  { term: 'operation', meaning: 'One change to one feature at one site: ablate, clampActive, scale, steer and more.' },
  { term: 'patched model', meaning: 'The model with the edit.' },
  { term: 'preserved', meaning: 'A behaviour that an edit should leave as it is.' },
  { term: 'remaining', meaning: 'The share of a target behaviour that an edit leaves.' },
  { term: 'revert', meaning: 'To add a version that undoes what another changed.' },
  { term: 'roll back', meaning: 'To add a version with the operations of an earlier one. Nothing is deleted.' },
  { term: 'search split', meaning: 'The cases that an edit may be searched with.' },
  {
    term: 'site',
    meaning: 'A place in a model where activations are read and changed, as hook_resid_post of a block.',
  },
  {
    term: 'sound answer',
    meaning: 'An answer that is fluent, finished and about its prompt; what replaces a behaviour should be.',
  },
  {
    term: 'statistics',
    meaning: 'Examples, histograms, logit effects, neighbours and the map of a dictionary’s features.',
  },
  { term: 'steer', meaning: 'An operation that adds a multiple of a feature’s direction at every token in its scope.' },
  { term: 'tag', meaning: 'On a label: a word to find features by. On a version: a name that does not move.' },
  { term: 'target', meaning: 'A behaviour that an evaluation judges an edit by: what the edit is for.' },
  { term: 'uninterpretable', meaning: 'Looked at, and no meaning was found.' },
  { term: 'verdict', meaning: 'Within budget, or over budget: whether every limit was met by the estimate.' },
  { term: 'version', meaning: 'A committed edit with its message and author; its content never changes.' },
  { term: 'working edit', meaning: 'The operations under way, before they are committed.' },
];

/** docs/glossary.md */
export function glossaryMarkdown(): string {
  const entries = TERMS.map(({ term, meaning }) => `**${term}**: ${meaning}\n`);
  return [
    '# Glossary\n',
    'One word for each thing. The window shows the same under Help, _Glossary_.\n',
    ...entries,
  ].join('\n');
}
