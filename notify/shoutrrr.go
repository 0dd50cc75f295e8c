package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"netmon/notify/policy"
	"netmon/notify/shoutrrr"
	"netmon/wire"
)

// Shoutrrr sends to a service that netmon has no kind for, by the library of that name.
// It runs in a process of its own, which connects to one address and by the policy, and
// is ended with its time. https://shoutrrr.nickfedor.com
type Shoutrrr struct {
	URL   Secret `json:"url" help:"the service's URL as shoutrrr documents it, with references"`
	Place string `json:"to" help:"HOST:PORT of the service, the only place that is connected to, such as chat.googleapis.com:443"`
	Size  int    `json:"size,omitempty" help:"most characters of a message"`
}

func shoutrrrKind() Kind {
	return newKind("shoutrrr", "sends to "+strings.Join(shoutrrr.Services(), ", "), Shoutrrr{Size: 1500})
}

func (s *Shoutrrr) Validate() error {
	var p wire.Problems
	p.Add("url", wantSecret(s.URL))
	if scheme, _, written := strings.Cut(string(s.URL), "://"); written && !inText.MatchString(scheme) && !slices.Contains(shoutrrr.Services(), scheme) {
		p.Addf("url", "want a URL of one of %s, got %q: for others see the kinds of channels", strings.Join(shoutrrr.Services(), ", "), wire.Clip(scheme, wire.MaxToken))
	}
	if _, _, err := net.SplitHostPort(s.Place); err != nil || strings.Contains(s.Place, "${") || strings.Contains(s.Place, "/") {
		p.Addf("to", "want HOST:PORT, got %q", wire.Clip(s.Place, wire.MaxToken))
	} else if _, err := policy.ParseDestination(s.Place); err != nil {
		p.Addf("to", "%w, got %q", err, wire.Clip(s.Place, wire.MaxToken))
	}
	if s.Size < 200 || s.Size > 100_000 {
		p.Addf("size", "want 200 to 100000, got %d", s.Size)
	}
	return p.Err()
}

// To is the one address.
func (s *Shoutrrr) To() []Text { return []Text{Text(s.Place)} }

// Send runs the process. What answers an HTTP status is judged by it, as [Env.Do] does;
// everything else is tried again.
func (s *Shoutrrr) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	to, err := policy.ParseDestination(s.Place)
	if err != nil {
		return Receipt{}, Refuse("to: %w", err)
	}
	url, err := env.Reveal(string(s.URL), to)
	if err != nil {
		return Receipt{}, err
	}
	env.keepPiecesOut(url, strings.Join(append(shoutrrr.Services(), string(s.URL), to.String()), " ")) // the library shows parts of it
	ctx, cancel := context.WithTimeout(ctx, shoutrrrTime)
	defer cancel()
	gate, err := shoutrrr.OpenGate(ctx, to.String(), env.Dial)
	if err != nil {
		return Receipt{}, err
	}
	defer gate.Close()
	out, err := callShoutrrr(ctx, gate.Order(url, shoutrrrText(m, s.Size)))
	var refusal *Refusal
	switch no := gate.Refused(); {
	case err != nil:
		return Receipt{}, err
	case out.Unusable:
		return Receipt{}, Refuse("url: %s", env.Conceal(Line(out.Error)))
	case out.Error == "":
		return Receipt{Answer: strings.TrimSpace(fmt.Sprintf("%d %s", out.Status, http.StatusText(out.Status)))}, nil
	case errors.As(no, &refusal):
		return Receipt{}, no
	case no != nil:
		return Receipt{}, fmt.Errorf("connect to %s: %w", to, no)
	case out.Status == 0:
		return Receipt{}, errors.New(env.Conceal(Line(out.Error)))
	}
	return Receipt{}, judgeStatus(out.Status, out.RetryAfter, errors.New(env.Conceal(Line(out.Error))))
}

// shoutrrrTime is how long a process may take.
const shoutrrrTime = 45 * time.Second

func callShoutrrr(ctx context.Context, o shoutrrr.Order) (out shoutrrr.Outcome, err error) {
	program, err := os.Executable()
	if err != nil {
		return out, err
	}
	order, err := json.Marshal(o)
	if err != nil {
		return out, err
	}
	var answer bytes.Buffer
	cmd := exec.CommandContext(ctx, program, shoutrrr.Word) // #nosec G204 -- netmon itself
	cmd.Stdin, cmd.Stdout = bytes.NewReader(order), &answer
	cmd.Env = []string{} // no secrets of this process, and no proxy
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return out, fmt.Errorf("shoutrrr did not end: %w", ctx.Err())
		}
		return out, fmt.Errorf("shoutrrr: %w", err)
	}
	if err := json.Unmarshal(answer.Bytes(), &out); err != nil {
		return out, fmt.Errorf("shoutrrr: %w", err)
	}
	return out, nil
}

// shoutrrrText is the whole message. The services differ in their markup, so that a
// space of no width follows whatever begins a mention, a link or HTML in one of them.
func shoutrrrText(m *Message, most int) string {
	title := defuse(Cut(m.Title, most/4))
	return title + "\n" + defuse(m.Fit(most-utf16Len(title)-1, sizeOf(defuse, utf16Len)))
}

func defuse(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
		if strings.ContainsRune("@<[]`*~|\\", r) {
			b.WriteRune('\u200b')
		}
	}
	return b.String()
}
