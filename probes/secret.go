package probes

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"netmon/wire"
)

// Secret names a password, token or key without holding it: ${env:NAME} or
// ${file:PATH}, read on the agent at each run. It travels and prints as the
// reference.
type Secret string

// UnmarshalText refuses a value written out, which would end up in the broker.
func (s *Secret) UnmarshalText(b []byte) error {
	kind, name, ok := reference(string(b))
	if !ok || name == "" || kind != "env" && kind != "file" {
		return fmt.Errorf("want a reference, ${env:NAME} or ${file:PATH}, not the secret itself")
	}
	*s = Secret(b)
	return nil
}

// Read reads what the reference names, from where the owner of the process lets
// it be read, see [Env.Secret]. A trailing line end of a file is not part of it.
func (s Secret) Read(env *Env) (string, error) {
	if s == "" {
		return "", nil
	}
	kind, name, _ := reference(string(s))
	look := readOwn
	if env != nil && env.Secret != nil {
		look = env.Secret
	}
	v, err := look(kind, name)
	if err != nil {
		return "", Broken(wire.BrokenSecret, "read secret %s: %w", string(s), err)
	}
	return v, nil
}

// maxSecret bounds a file with a secret, in bytes: a chain of certificates fits.
const maxSecret = 256 << 10

// readOwn reads what this process's user may read.
func readOwn(kind, name string) (string, error) {
	if kind == "env" {
		v, ok := os.LookupEnv(name)
		if !ok {
			return "", errors.New("the variable is not set on this agent")
		}
		return v, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", cmp.Or(err, errors.New("it is not a regular file"))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if len(b) > maxSecret {
		return "", fmt.Errorf("it is over %d bytes long", maxSecret)
	}
	return strings.TrimRight(string(b), "\r\n"), err
}

// reference takes ${kind:name} apart.
func reference(s string) (kind, name string, ok bool) {
	inner, ok := strings.CutPrefix(s, "${")
	if !ok || !strings.HasSuffix(inner, "}") {
		return "", "", false
	}
	return strings.Cut(strings.TrimSuffix(inner, "}"), ":")
}

// Reveal reads a secret for this run, and keeps it out of all that the run reports.
func (r *Run) Reveal(s Secret) (string, error) {
	v, err := s.Read(r.Env)
	r.Redact(v)
	return v, err
}

// inText finds references inside of a text.
var inText = regexp.MustCompile(`\$\{(env|file):[^}]+\}`)

// NamesSecret says whether a text holds a reference to a secret.
func NamesSecret(text string) bool { return inText.MatchString(text) }

// WithoutSecrets is a text without the references in it.
func WithoutSecrets(text string) string { return inText.ReplaceAllString(text, "") }

// Expand replaces the references in a text.
func (r *Run) Expand(text string) (string, error) {
	var first error
	out := inText.ReplaceAllStringFunc(text, func(ref string) string {
		v, err := r.Reveal(Secret(ref))
		if err != nil && first == nil {
			first = err
		}
		return v
	})
	return out, first
}

// Redact keeps v out of all that the run reports, in each form in which a target
// may send it back: as it is, in a URL, in base64, in hex, in JSON, as a host name in ASCII.
func (r *Run) Redact(v string) {
	if v == "" {
		return
	}
	escaped, _ := json.Marshal(v)
	r.secrets = append(r.secrets, v, url.QueryEscape(v), url.PathEscape(v), base64.RawStdEncoding.EncodeToString([]byte(v)), // which padding may follow
		base64.RawURLEncoding.EncodeToString([]byte(v)), hex.EncodeToString([]byte(v)), string(escaped[1:len(escaped)-1]))
	if a, err := ASCIIHost(v); err == nil && a != v && strings.Contains(a, "xn--") {
		r.secrets = append(r.secrets, a)
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) }) // one may be part of another
	r.secrets = slices.Compact(r.secrets)
}

// Conceal puts stars where a secret stands.
func (r *Run) Conceal(text string) string {
	for _, v := range r.secrets {
		text = strings.ReplaceAll(text, v, "*****")
	}
	return text
}

// concealResult looks through all that a run reports, whichever kind it is of. It
// is the last line of defence: a kind conceals before it clips a text, which
// would leave a part of a secret.
func (r *Run) concealResult(res *wire.Result) {
	if len(r.secrets) == 0 {
		return
	}
	res.Error, res.Summary = r.Conceal(res.Error), r.Conceal(res.Summary)
	for i := range res.Unmet {
		res.Unmet[i].Want, res.Unmet[i].Got = r.Conceal(res.Unmet[i].Want), r.Conceal(res.Unmet[i].Got)
	}
	if !slices.ContainsFunc(r.secrets, func(v string) bool { return bytes.Contains(res.Details, []byte(v)) }) {
		return
	}
	// Inside of texts alone, so that the rest stays what it is.
	res.Details = jsonText.ReplaceAllFunc(res.Details, func(b []byte) []byte {
		if bytes.HasSuffix(b, []byte(":")) {
			return b // the name of a field
		}
		var text string
		if json.Unmarshal(b, &text) != nil {
			return b
		}
		out, _ := json.Marshal(r.Conceal(text))
		return out
	})
}

// jsonText is a text in JSON, with the colon of a field's name.
var jsonText = regexp.MustCompile(`"(?:[^"\\]|\\.)*":?`)
