package notify

import (
	"context"
	"errors"
	"net/http"
	"time"

	"netmon/wire"
)

// Deadman calls a URL while all is well, so that its service speaks up when nobody
// calls: netmon cannot report that it is dead. It gets no notices.
type Deadman struct {
	URL    Text          `json:"url" help:"the URL to call, as the service gave it"`
	Every  wire.Duration `json:"every,omitempty" help:"how often"`
	Method string        `json:"method,omitempty" enum:"GET,POST,HEAD" help:"GET, POST or HEAD"`
}

func deadmanKind() Kind {
	return newKind(wire.KindDeadman, "calls a URL while all is well, and gets no notices", Deadman{Every: wire.Duration(time.Minute), Method: http.MethodGet}).quiet()
}

func (d *Deadman) Validate() error {
	var p wire.Problems
	p.Add("", checkURL("url", d.URL, "https", "http"))
	p.Add("method", oneOf(d.Method, http.MethodGet, http.MethodPost, http.MethodHead))
	if d.Every.Std() < 10*time.Second || d.Every.Std() > 24*time.Hour {
		p.Addf("every", "want 10s to 1d, got %q", d.Every)
	}
	return p.Err()
}

// To is the URL.
func (d *Deadman) To() []Text { return []Text{d.URL} }

func (d *Deadman) cadence() time.Duration { return d.Every.Std() }

// Send calls.
func (d *Deadman) Send(ctx context.Context, env *Env, _ *Message) (Receipt, error) {
	u, err := env.URL(d.URL)
	if err != nil {
		return Receipt{}, err
	}
	req, err := http.NewRequestWithContext(ctx, d.Method, u.String(), nil)
	if err != nil {
		return Receipt{}, errors.New("make the request: its URL cannot be used")
	}
	a, err := env.Do(req)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Answer: a.String()}, nil
}
