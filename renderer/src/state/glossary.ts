// What each figure means: one definition, shown wherever the figure is.
export const GLOSSARY = {
  loss: 'Mean squared reconstruction error per token plus auxiliary losses, in units where E‖x‖² = 1. Of the batch.',
  fvu: 'Fraction of variance unexplained: Σ‖x − x̂‖² / Σ‖x − mean(x)‖². 0 is perfect, 1 is no better than the mean.',
  l0: 'Features that fire on a token, on average.',
  dead: 'Share of the features that have not fired for as many tokens as the run was told (deadAfterTokens).',
  deadFinal: 'Share of the features that fire on none of the held-out tokens.',
  lossRecovered:
    '(CE with the site set to zero − CE with the reconstruction) / (CE with zero − CE of the model as it is), on held-out contexts. 100% loses nothing.',
  ce: 'Cross-entropy of the next token on held-out contexts, in nats per token.',
  firing:
    'Of each feature, the share of held-out tokens on which it fires; a logarithmic axis. Features that never fire are not drawn.',
  firingRate: 'Share of the held-out tokens on which the feature fires.',
} as const;
