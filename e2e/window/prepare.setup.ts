// Makes the project that most tests of the window begin with.
import { test } from '@playwright/test';
import { prepareProject } from './preparedProject.ts';

test('a project is made from the sample by commands', () => prepareProject());
