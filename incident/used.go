package incident

// mostUsed is how many ids are remembered, at least: about what a stream of 1 GiB holds.
const mostUsed = 1 << 18

// usedIDs remembers which ids incidents had: none comes again, since who was notified of one
// would take the other for it. It forgets the oldest.
type usedIDs struct{ now, before map[string]struct{} }

func (u *usedIDs) has(id string) bool {
	_, now := u.now[id]
	_, before := u.before[id]
	return now || before
}

func (u *usedIDs) add(id string) {
	if u.now == nil || len(u.now) >= mostUsed {
		u.now, u.before = map[string]struct{}{}, u.now
	}
	u.now[id] = struct{}{}
}
