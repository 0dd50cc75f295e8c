package retry

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	connectAway  = 250 * time.Millisecond // a broker that is not there may be back at any moment
	connectFirst = time.Second            // one that refuses us seldom changes its mind
	connectMost  = 5 * time.Minute        // but a suspension ends by itself
)

// Connects says how long to wait between two tries to connect. The client library
// asks it from one goroutine. The zero value is ready for use.
type Connects struct {
	refused int // tries in a row that the broker refused
}

// After is how long to wait after a try that ended with err. A part of it is left
// to chance: many that lost one broker do not come back at once.
func (r *Connects) After(err error) time.Duration {
	if !Refused(err) {
		r.refused = 0
		return connectAway + rand.N(3*connectAway) // #nosec G404 -- spreads them over time
	}
	wait := connectMost
	if r.refused < 9 { // 2^9 s are more
		wait = min(wait, connectFirst<<r.refused)
	}
	r.refused++
	return wait - rand.N(wait/4) // #nosec G404 -- as above
}

// Refused says whether err means that the broker is there and does not let us in.
func Refused(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrAuthExpired)
}
