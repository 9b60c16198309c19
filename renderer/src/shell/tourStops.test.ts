import { describe, expect, it } from 'vitest';
import { TOUR_STOPS, tourStops } from './tourStops.ts';

const stops = tourStops({
  model: 'sample',
  dictionary: 'shipped',
  feature: 3213,
  label: 'rules lifted',
  version: 'b259',
  behaviour: 'jailbreak',
  evaluation: 'e1',
});

describe('the tour', () => {
  it('has five stops: the fault, its feature, the switch, the report, roll back and export', () => {
    expect(stops).toHaveLength(TOUR_STOPS);
    expect(stops.map(({ place }) => place.view)).toEqual(['models', 'features', 'editor', 'evaluations', 'edits']);
  });
  it('tries one prompt on the model alone and with the edit, by itself', () => {
    expect(stops[0]?.place.query).toEqual({ suite: 'jailbreak', run: '1' });
    expect(stops[2]?.place.query).toEqual(stops[0]?.place.query);
    expect(stops.map(({ needsEdit }) => needsEdit)).toEqual([false, false, true, false, false]);
  });
  it('names what the project holds', () => {
    expect(stops[1]).toMatchObject({ place: { parts: ['shipped', '3213'] } });
    expect(stops[1]?.text).toContain('3213');
    expect(stops[3]?.place.parts).toEqual(['e1']);
    expect(stops[4]?.actions).toEqual(['revert', 'rollBack', 'export']);
  });
});
