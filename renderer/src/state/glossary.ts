// What each figure means: one definition, shown wherever the figure is.
import { SOUND_DEFINITION } from '../../../main/contract/domain/soundness.ts';

export const GLOSSARY = {
  loss: 'Mean squared reconstruction error per token plus auxiliary losses, in units where E‖x‖² = 1. Of the batch.',
  fvu: 'Fraction of variance unexplained: Σ‖x − x̂‖² / Σ‖x − mean(x)‖². 0 is perfect, 1 is no better than the mean.',
  l0: 'Features that fire on a token, on average.',
  dead: 'Share of the features that have not fired for the number of tokens in the settings (deadAfterTokens).',
  deadFinal: 'Share of the features that fire on none of the held-out tokens.',
  lossRecovered:
    '(CE with the site set to zero − CE with the reconstruction) / (CE with zero − CE of the base model), on held-out contexts. 100% loses nothing. Not defined where zeroing does not raise the loss, or the reconstruction lowers it.',
  ce: 'Cross-entropy of the next token on held-out contexts, in nats per token. The BOS at the border of two documents is not predicted.',
  firing:
    'Of each feature, the share of held-out tokens on which it fires; a logarithmic axis. Features that never fire are not drawn.',
  findCost:
    'The sweep over all proposed features, and the usual number of selection rounds; a search that reaches its goal early takes less.',
  contrastDifference:
    'Mean activation over the prompts that show the behaviour, less that over the others; prompts where the feature is silent count as 0.',
  auroc:
    'Probability that a prompt with the behaviour has the larger activation of two, ties counted half. 0.5 tells nothing.',
  ablationEffect:
    'Share of the behaviour that goes when the feature is set to 0: measured, by running the model. A correlation is not a cause; this is.',
  clampEffect:
    'Share of the behaviour that goes when the feature is held at minus twice its mean where it fires: measured.',
  remaining:
    'Share of the behaviour that remains. Of texts: mean of 1 + max(ln p − ln p₀, −4)/4 over the cases, p being the probability of what the model said before. Of comparisons: mean |difference| over the same before. 100% is as before.',
  stillShown:
    'Share of the cases that still pass the checks in the text that the model generates with the edit on; where continuations are compared, of those still decided as before. Of the cases that the unedited model shows; 95% interval after Wilson.',
  keptRate:
    'Share of the cases that greedy decoding, or the comparison, still decides as before. 95% interval after Wilson.',
  keptHarm: 'Nats of probability lost on what the model said before, mean over the cases; gains count as 0.',
  dose: 'The same edit at other strengths: x′ = x + strength · Σ (f′ − f)·d. At 0 it is none, at 1 as proposed.',
  verdict:
    'Of the latest evaluation of these operations on this model: whether every criterion of its budget is met by the estimate.',
  rate: 'Share of the tokens on which it fires (its activation is above 0).',
  mean: 'Mean activation where it fires.',
  max: 'Its highest activation.',
  lastRate: 'Share of the documents on whose last token it fires.',
  entropy: 'Of the shares of its squared effects on the logits, in nats: 0 for one token only.',
  topEffect: 'Its largest effect on a logit, in logits per unit of activation.',
  nearest: 'Cosine with the nearest other decoder row.',
  impact: 'Mean activation over all tokens × largest effect: by how much it moves a logit on an average token.',
  confidence: 'Of its label: 1, a guess, to 5, certain.',
  map: 'UMAP of the decoder rows: what lies near has a similar direction. Axes and far distances mean nothing.',
  intruder:
    'Share of blind tests in which the example that does not belong was found by the label; one in five is chance. With a 95% Wilson interval.',
  labelAgreement:
    'Of the features that you and somebody else have both labelled: Cohen’s κ of the states (1: always the same, 0: as by chance), and how many words the texts share (Jaccard index).',
  detection:
    'A language model reads the label and says which of a few texts it fits; half of them make the feature fire, none was shown to it before. Share of right answers with a 95% Wilson interval; one half is chance.',
  firingRate: 'Share of the held-out tokens on which the feature fires.',
  exact: 'It does what its definition says, up to rounding in float32.',
  calibrated: 'The feature fires above a threshold of its own instead of by competition with the others.',
  approximate: 'It is compiled into weights, to a stated tolerance.',
  gate: 'The operation acts only where another feature is above a threshold; of several gates, where any is open.',
  kl: 'KL(original ‖ patched) of the next token, in nats: 0 where the two distributions are one.',
  meanKl: 'Mean of the KL of the next token, original ‖ this column, in nats.',
  probability: 'Softmax of the logits, without temperature: the share of all next tokens, 0 to 1.',
  logitDifference: 'Logit of the patched model − logit of the original.',
  instruction:
    'What an instruction in the prompt does without any edit: the original model reads it as its system text, or before the prompt where it has no chat template.',
  exactness:
    'exact: what the definition of the edit says, up to rounding. calibrated: topk features have thresholds of their own. approximate: compiled so that it differs, by as much as the report says.',
  maxAbsLogitDiff: 'The largest difference of any logit, over all positions and tokens.',
  comparedKl: 'KL divergence of the next-token distributions, in nats per position, on average.',
  greedyAgreement: 'Share of the tokens that are the same when both continue with the likeliest token, place by place.',
  formulaDiff:
    'The largest difference of any number that flows out of the edited sites. Positions where rounding decides whether a feature fires are left out, and counted.',
  passRate: 'Share of the cases that pass: all checks of a case must hold. With its 95% interval (Wilson).',
  aim: 'What an edit should do to the share of cases that pass: reduce, increase or preserve it.',
  split:
    'search: an edit may be searched with the case. held-out: figures are made from it, so no search may look at it.',
  heldOutWording: 'Some part of the wording of the case is one that the model was not trained on.',
  caseRole:
    'What a case is there for: to show the behaviour, to look like it without being it, or to show that nothing else moved.',
  suiteRole:
    'target: what the edit is for. preserve: what should not change. other: an aim of other edits, report only.',
  pairedDifference:
    'With − without the edit, case by case or context by context. n.s.: its 95% interval holds 0, so nothing is shown to have changed.',
  refuses:
    'Share of the generated texts that refuse within their first 200 characters. What no longer passes need not refuse: it may be garbage.',
  sound: SOUND_DEFINITION,
  soundWhereGone: `Of the cases that passed without the edit and do not with it, those whose answer is sound. ${SOUND_DEFINITION}`,
  soundCause: `Share of the answers that are sound with this change alone, of the strongest causes. ${SOUND_DEFINITION}`,
  score:
    'Mean of the figures that the checks compare: probabilities, or differences in nats. Bootstrap intervals over cases.',
  klAnswers: 'KL(without ‖ with the edit) per token, in nats, along the answers that the model gives without the edit.',
  ceHeldOut:
    'Cross-entropy of the next token on held-out text, in nats per token. The context is the unit of the interval.',
  acted:
    'Predicted tokens of held-out text at which the edit moved an activation. Where it acted in fewer than ten contexts there is no interval; where in none, it follows from their number (rule of three), a token costing at most ln of the vocabulary.',
  actedCases: 'Of the cases that were read for KL, those in whose prompt or answer the edit moved an activation.',
  ceGrowth: 'Cross-entropy with the edit / without − 1, on held-out text, paired by context.',
  klText: 'Mean KL(without ‖ with the edit) of the next-token distributions on held-out text, in nats per token.',
  agreement: 'Share of the positions of held-out text where both find the same next token likeliest.',
  klContinuations:
    'KL(without ‖ with the edit) per token along the greedy continuations that the model gives without the edit.',
  klFirst: 'The same at the first token after the prompt only: what is commonly published, and hides what comes later.',
  same: 'Share of the greedy continuations that are the same, token by token.',
  loops: 'Share of the continuations in which some run of tokens stands three times or more in a row.',
  distinct: 'Distinct tokens, or pairs of neighbours, as a share of all in a text; mean over texts (Li et al. 2016).',
  trialTarget: 'Share of the targets’ cases that pass, pooled, on fewer cases than the main figures.',
  kept: 'Kept: of the preserved cases that passed without the edit, the share that still does.',
  strength: 'Strength: the deltas of the edit are multiplied by it; 0 is the base model, 1 the edit.',
  remainingTargets:
    'What is left of the targets, 100% without the edit: of the rate, or of the size of the mean score where cases have scores.',
  pareto: 'Pareto: no other strength does at least as well on target, kept cases and cross-entropy and better in one.',
  radiusRate:
    'Share of the tokens of clean held-out text on which the feature fires, at the edited site after the edit.',
  radiusMean: 'Mean activation over all tokens, silent ones included.',
  radiusZ: 'Change of the rate in standard errors over contexts; – where fewer than five contexts changed.',
  radiusMoved:
    'Its change of rate is beyond what the contexts’ spread explains: |z| at 5% for all features together (Bonferroni).',
  forecastChange:
    'Forecast change of the share of tokens on which it fires, from the dictionary’s rows and the statistics of its features alone.',
  firingRateText: 'Share of the tokens of the statistics’ text on which it fires.',
  decoderCosine: 'The largest cosine of its decoder row with that of an edited feature.',
  cofiring: 'Cosine of firing patterns with an edited feature, from its statistics; –: not among the nearest.',
  actingShare: 'Share of the tokens of the statistics’ text; gates and firing are taken to be independent.',
  logitFootprint:
    'By the decoder rows alone, through the final norm and the unembedding: what later layers do is left out.',
  rankCorrelation:
    'Spearman’s rank correlation of what was forecast with the size of the measured change of rate, over all features but the edited ones; Fisher intervals. 1: the same order, 0: no relation.',
  criterionMet: 'By the estimate; and whether the whole 95% interval meets the limit.',
} as const;
