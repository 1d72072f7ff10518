//! A desk at work: engine, agents and venue wired together in event time.
