package store

import (
	"strings"
	"time"
)

// sameLife says which of the two streams is still the one that it was. The lives of both
// are in one text, RESULTS's before that of VERDICTS, with a slash between them.
func sameLife(was, is string) (results, verdicts bool) {
	r1, v1, _ := strings.Cut(was, "/")
	r2, v2, _ := strings.Cut(is, "/")
	return r1 == r2, v1 == v2
}

// EndUnsaved ends the states of monitors that are saved no more: nobody judges them. made is
// when the bucket of monitors was made: they ended by then where it is another one than
// theirs. Else they were deleted while this store was not fed.
func (s *Store) EndUnsaved(saved func(monitor string) bool, made time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, last := range s.verdict.latest {
		if last.state == nobody || saved(name) {
			continue
		}
		at := made.UnixMilli()
		if at < last.since {
			at = max(last.since, millis(s.at.Stored))
		}
		delete(s.verdict.muted, name)
		s.verdict.begin(name, span{since: at})
	}
}

// endAll says that nothing is known of any monitor from a moment on.
func (v *verdicts) endAll(at int64) {
	for name, last := range v.latest {
		if last.state != nobody {
			v.begin(name, span{since: max(last.since, at)})
		}
	}
}
