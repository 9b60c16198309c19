// What can be asked of the lists that people keep of features.
import type { Procedures } from './call.ts';

export const list: Procedures<'list'> = {
  all: ({ project }) => project.lists.all(),
  members: ({ project }, { name }) => project.lists.members(name),
  containing: ({ project }, key) => project.lists.containing(key),
  save: ({ project }, { name, description, ...why }, { author }) => ({
    name: project.lists.save(name, description, author(why)),
  }),
  remove: ({ project }, { name, ...why }, { author }) => {
    project.lists.remove(name, author(why));
    return {};
  },
  add: ({ project }, { name, features, makes, ...why }, { author }) => {
    project.lists.add(name, features, author(why), { makes });
    return {};
  },
  take: ({ project }, { name, features, ...why }, { author }) => {
    project.lists.take(name, features, author(why));
    return {};
  },
};
