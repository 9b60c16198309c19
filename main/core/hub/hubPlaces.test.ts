// Where huggingface_hub 1.33 looks for its cache and its token: the same variables, the same precedence.
import { describe, expect, it } from 'vitest';
import { hubPlaces } from './hubPlaces.ts';

const placesIn = (environment: Record<string, string>) => hubPlaces(environment, '/home/ada');

describe('the places of the Hub', () => {
  it('HF_HUB_CACHE wins over HF_HOME, which wins over XDG_CACHE_HOME, which wins over the default', () => {
    const all = { HF_HUB_CACHE: '/a', HF_HOME: '/b', XDG_CACHE_HOME: '/c' };
    expect(placesIn(all).cache).toBe('/a');
    expect(placesIn({ HF_HOME: '/b', XDG_CACHE_HOME: '/c' }).cache).toBe('/b/hub');
    expect(placesIn({ XDG_CACHE_HOME: '/c' }).cache).toBe('/c/huggingface/hub');
    expect(placesIn({}).cache).toBe('/home/ada/.cache/huggingface/hub');
    expect(placesIn({ HF_HUB_CACHE: '', HF_HOME: '~/hf' }).cache).toBe('/home/ada/hf/hub');
  });

  it('the token file is in HF_HOME, wherever the cache is', () => {
    expect(placesIn({ HF_HUB_CACHE: '/a', HF_HOME: '/b' }).tokenFile).toBe('/b/token');
    expect(placesIn({}).tokenFile).toBe('/home/ada/.cache/huggingface/token');
    expect(placesIn({ HF_TOKEN_PATH: '/t' }).tokenFile).toBe('/t');
  });

  it('the endpoint loses its last slash, and offline is what Python takes for true', () => {
    expect(placesIn({}).endpoint).toBe('https://huggingface.co');
    expect(placesIn({ HF_ENDPOINT: 'http://127.0.0.1:9/' }).endpoint).toBe('http://127.0.0.1:9');
    for (const value of ['1', 'true', 'YES', 'on']) expect(placesIn({ HF_HUB_OFFLINE: value }).isOffline).toBe(true);
    for (const value of ['0', 'false', 'no']) expect(placesIn({ HF_HUB_OFFLINE: value }).isOffline).toBe(false);
    expect(placesIn({ TRANSFORMERS_OFFLINE: '1' }).isOffline).toBe(true);
  });
});
