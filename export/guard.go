package export

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"netmon/internal/httpserve"
)

// Access is who may ask.
type Access struct {
	// Token is what whoever asks shows, as a bearer; "": nobody has to.
	Token string
	// Here says that this host alone reaches the listener. Without a token, requests for other
	// names and those that a proxy sent are refused then.
	Here bool
	// Probe lets requests measure, by /probe.
	Probe bool
}

// contentPolicy is the Content-Security-Policy of every answer: nothing of it is a page.
const contentPolicy = "default-src 'none'; frame-ancestors 'none'"

// guard refuses whom nothing is for, and what no scraper asks.
func (a Access) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.NoBody
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "nothing can be changed here: want GET or HEAD", http.StatusMethodNotAllowed)
		case a.Here && a.Token == "" && !httpserve.IsHere(r.Host):
			// The name is of another site that resolves to us: DNS rebinding.
			http.Error(w, "this is not for the host "+httpserve.Quote(r.Host)+": without a token it is asked by the names of this host, such as localhost; netmon export --token-file FILE asks for one", http.StatusMisdirectedRequest)
		case a.Here && a.Token == "" && httpserve.WasForwarded(r):
			http.Error(w, "a proxy stands in front, and nobody is asked who they are: start netmon export with --token-file FILE", http.StatusForbidden)
		case httpserve.ByAnotherSite(r):
			http.Error(w, "another site asked for this: open it yourself", http.StatusForbidden)
		case a.Token != "" && !forAnybody(r.URL.Path) && !a.shows(r):
			h.Set("WWW-Authenticate", `Bearer realm="netmon"`)
			http.Error(w, "who asks has to show the token of --token-file: in Prometheus, authorization with credentials_file", http.StatusUnauthorized)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// forAnybody says what shows nothing of the mesh: whoever runs this looks whether it is well.
func forAnybody(path string) bool { return path == "/-/healthy" || path == "/-/ready" }

// sayReady says whether what is here can be asked; why it cannot be is for those who may.
func (a Access) sayReady(w http.ResponseWriter, r *http.Request, why string) {
	switch {
	case why == "":
		say(w, "ready\n")
	case a.shows(r):
		http.Error(w, "not ready: "+why, http.StatusServiceUnavailable)
	default:
		http.Error(w, "not ready", http.StatusServiceUnavailable)
	}
}

// shows says whether a request shows the token, where there is one. How long that takes says
// nothing of it.
func (a Access) shows(r *http.Request) bool {
	if a.Token == "" {
		return true
	}
	token := sha256.Sum256([]byte(a.Token))
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	scheme, shown, _ := strings.Cut(values[0], " ")
	got := sha256.Sum256([]byte(strings.TrimSpace(shown)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], token[:]) == 1
}
