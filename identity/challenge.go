package identity

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"netmon/wire"
)

const (
	// challengeLife is how long requests are signed for one challenge, on the
	// monotonic clock; the previous one is good for as long again.
	challengeLife = 5 * time.Minute
	// mostNonces are kept for one challenge; then there is a new one.
	mostNonces = 100_000
)

var (
	// ErrStale says that a request was signed for a challenge that is over.
	ErrStale = errors.New("it was signed for a challenge that is over: sign it again for the one in this reply")
	errTwice = errors.New("it was carried out before: a signed request counts once")
)

// Challenges guard a receiver against requests that come a second time. No
// clock of the sender has a part in it. The zero value is ready for use.
type Challenges struct {
	mu    sync.Mutex // guards what follows
	now   round
	past  round
	began time.Time
}

// round is a challenge and what was carried out under it.
type round struct {
	challenge string
	nonces    map[string]bool
}

// Now is the challenge to sign for.
func (c *Challenges) Now() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew()
	return c.now.challenge
}

func (c *Challenges) renew() {
	if age := time.Since(c.began); c.now.challenge == "" || age >= challengeLife || len(c.now.nonces) >= mostNonces {
		c.past = c.now
		if age >= 2*challengeLife {
			c.past = round{}
		}
		c.now, c.began = round{rand.Text(), map[string]bool{}}, time.Now()
	}
}

// Take says whether a request with this proof, whose signature is good, may be
// carried out, and that it is. ErrStale may be tried again.
func (c *Challenges) Take(p wire.Proof) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew()
	r := &c.now
	switch {
	case p.Challenge == "":
		return ErrStale
	case p.Challenge == c.past.challenge:
		r = &c.past
	case p.Challenge != c.now.challenge:
		return ErrStale
	}
	if err := wire.CheckToken(p.Nonce); err != nil || r.nonces[p.Nonce] {
		return errTwice
	}
	if len(r.nonces) >= mostNonces { // of the past one: it has had its time
		return ErrStale
	}
	r.nonces[p.Nonce] = true
	return nil
}
