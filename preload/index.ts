// The bridge between the desktop host and its page. The page needs nothing of it yet: what it asks for, it asks for by
// requests to its own origin, in both hosts.
export {};
