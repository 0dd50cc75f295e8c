package agent

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	retryAway  = 250 * time.Millisecond // a broker that is not there may be back at any moment
	retryFirst = time.Second            // one that refuses us seldom changes its mind
	retryMost  = 5 * time.Minute        // but a suspension ends by itself
)

// retries says how long to wait between two tries to connect. The client library
// asks it from one goroutine.
type retries struct {
	refused int // tries in a row that the broker refused
}

// after is how long to wait after a try that ended with err. A part of it is left
// to chance: many agents that lost one broker do not come back at once.
func (r *retries) after(err error) time.Duration {
	if !refuses(err) {
		r.refused = 0
		return retryAway + rand.N(3*retryAway) // #nosec G404 -- spreads agents over time
	}
	wait := retryMost
	if r.refused < 9 { // 2^9 s are more
		wait = min(wait, retryFirst<<r.refused)
	}
	r.refused++
	return wait - rand.N(wait/4) // #nosec G404 -- as above
}

// refuses says whether err means that the broker is there and does not let us in.
func refuses(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthRevoked) || errors.Is(err, nats.ErrAuthExpired)
}
