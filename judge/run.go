package judge

import (
	"time"

	"netmon/wire"
)

// class is what one run says about its target.
type class uint8

var classes = []string{"", "good", "slow", "bad", "broken"}

func (c class) MarshalText() ([]byte, error)  { return word(classes, c) }
func (c *class) UnmarshalText(b []byte) error { return ofWord(classes, b, c) }

const (
	none   class = iota // no run is known
	good                // as expected
	slow                // as expected, but slow
	bad                 // not as expected
	broken              // nothing
)

func classOf(r *wire.Result) class {
	switch OfResult(r) {
	case Up:
		return good
	case Degraded:
		return slow
	case Down:
		return bad
	}
	return broken
}

// seriesStatus is what a series has come to, over several runs.
type seriesStatus uint8

var seriesStatuses = []string{"", "good", "slow", "down"}

func (s seriesStatus) MarshalText() ([]byte, error)  { return word(seriesStatuses, s) }
func (s *seriesStatus) UnmarshalText(b []byte) error { return ofWord(seriesStatuses, b, s) }

const (
	fresh  seriesStatus = iota // too few runs to say
	isGood                     // the last runs are good
	isSlow                     // several of the last runs are slow
	isDown                     // several of the last runs are bad, and nothing speaks against it
)

// run is one run, or one tick that a run covered.
type run struct {
	At    moment `json:"at"`
	Class class  `json:"class"`
}

// brief is what is kept from a result to describe it.
type brief struct {
	At      moment       `json:"at,omitzero"`
	Failure wire.Failure `json:"failure,omitempty"`
	Text    string       `json:"text,omitempty"`
	Epoch   string       `json:"epoch,omitempty"`
	Seq     uint64       `json:"seq,omitempty"`
	Class   class        `json:"class,omitempty"`
	Asked   bool         `json:"asked,omitempty"`
}

// mostBrief bounds the text of a result that is kept.
const mostBrief = 200

// Began is when the run of a result began, by the clock of the broker that stored it
// then: less what it had waited, and what the run took.
func Began(r *wire.Result, stored time.Time) time.Time {
	return stored.Add(-max(0, time.Duration(r.LateNS)) - max(0, r.Elapsed()))
}
