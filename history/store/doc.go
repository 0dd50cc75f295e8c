// Package store keeps history in a SQLite file: minutes for 30 days, hours and verdicts
// for 2 years.
//
// One goroutine feeds a [Store], in the order of the streams:
//
//	s, err := store.Open(ctx, path, store.Options{…})
//	changed, err := s.Stream(ctx, id)      // the life of the stream RESULTS that positions are of
//	s.Import(ctx, hour)                    // a new file: first all of the stream HISTORY
//	at := s.Position()                     // then continue behind it
//	s.Add(&result, seq, stored)            // in memory, under a microsecond or two
//	s.AddVerdict(&verdict, muted, seq)
//	err = s.Commit(ctx, now)               // every s.CommitEvery(): rollups and positions in one transaction
//	hours, err := s.Closed(ctx, now, 100)  // the leader: publish them to HISTORY, then
//	err = s.Published(ctx, hours)
//	more, err := s.Prune(ctx, now)         // now and then, until there is no more
//
// Query may be called by any goroutine at any time, and sees what was added, committed
// or not. After a kill at any moment the file holds what the last commit held, and
// Position says where to continue.
//
// What is guaranteed: each result counts once, by agent, epoch and number, also if the
// stream has it twice. An agent's numbers that are known are kept as ranges: over
// 1,024 of them, the oldest gap is closed, and what would still come for it does not count.
package store
