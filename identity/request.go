package identity

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

const (
	// unknownPatience is how long a key that was let in just now may take to be
	// on everybody's list.
	unknownPatience = 3 * time.Second
	unknownPause    = 100 * time.Millisecond
)

// Requests sends requests that are signed, each for the challenge that its
// receiver gave out last. It is safe for use by several goroutines.
type Requests struct {
	signer *Signer
	send   func(context.Context, *nats.Msg) (*nats.Msg, error)

	mu         sync.Mutex
	challenges map[string]string // by subject
}

// NewRequests makes one that sends by send. Without a signer nothing is signed.
func NewRequests(signer *Signer, send func(context.Context, *nats.Msg) (*nats.Msg, error)) *Requests {
	return &Requests{signer: signer, send: send, challenges: map[string]string{}}
}

// Signs says whether requests are signed.
func (r *Requests) Signs() bool { return r.signer != nil }

// Heard notes a challenge that the receiver on a subject gave out.
func (r *Requests) Heard(subject, challenge string) {
	if challenge != "" {
		r.mu.Lock()
		r.challenges[subject] = challenge
		r.mu.Unlock()
	}
}

// Do sends a request and returns the answer. One that was signed for a
// challenge that is over is signed again, once: it was not carried out.
func (r *Requests) Do(ctx context.Context, subject string, data []byte) (*nats.Msg, error) {
	begun, stale := time.Now(), false
	for {
		m := nats.NewMsg(subject)
		m.Data = data
		if r.signer != nil {
			r.mu.Lock()
			challenge := r.challenges[subject]
			r.mu.Unlock()
			proof, err := r.signer.SignRequest(subject, challenge, data)
			if err != nil {
				return nil, err
			}
			m.Header.Set(wire.ProofHeader, proof)
		}
		answer, err := r.send(ctx, m)
		if err != nil || r.signer == nil {
			return answer, err
		}
		switch code, challenge := refusal(answer.Data); {
		case code == wire.CodeChallenge && challenge != "" && !stale:
			stale = true
			r.Heard(subject, challenge)
		case code == wire.CodeUnknown && time.Since(begun) < unknownPatience:
			select {
			case <-ctx.Done():
				return answer, nil
			case <-time.After(unknownPause):
			}
		default:
			r.Heard(subject, challenge)
			return answer, nil
		}
	}
}

// refusal is why the receiver did nothing, and its challenge, from a Reply or
// an AccessReply.
func refusal(data []byte) (wire.Code, string) {
	var r struct {
		Error *struct {
			Code wire.Code `json:"code"`
		} `json:"error"`
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(data, &r) != nil || r.Error == nil {
		return "", ""
	}
	return r.Error.Code, r.Challenge
}
