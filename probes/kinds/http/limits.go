package http

import (
	"time"

	"netmon/probes"
	"netmon/probes/internal/h2"
	"netmon/wire"
)

// limits bound the options and what is read from targets.
var limits = []wire.Limit{
	{What: "a JSON path", Most: jsonMaxSteps, Unit: "names and indexes", Beyond: "refused"},
	{What: "http: status line and headers of a response, over HTTP/1.1 and 2", Most: maxHeader, Unit: "bytes", Beyond: "`limit`"},
	{What: "http: body, as it comes and decoded (`max_body`, default)", Most: maxBody, Unit: "bytes", Beyond: "`limit`"},
	{What: "http: the greatest `max_body`", Most: mostBody, Unit: "bytes", Beyond: "refused"},
	{What: "http: content codings on top of one another", Most: maxCodings, Unit: "codings", Beyond: "not decoded"},
	{What: "http: responses with 1xx", Most: maxInterim, Unit: "responses", Beyond: "`limit`"},
	{What: "http: redirects", Most: maxRedirects, Unit: "redirects", Beyond: "refused; `limit`"},
	{What: "http: a proxy's answer to CONNECT", Most: maxHeader, Unit: "bytes", Beyond: "`proxy`"},
	{What: "http: certificates of hosts that redirected that a result lists", Most: maxHopCerts, Unit: "certificates", Beyond: "left out; when they expire is still judged and reported"},
	{What: "http, dns over HTTPS: HTTP/2 frames that belong to no answer, such as PING, SETTINGS and empty DATA; one more for each 1,024 bytes of a body", Most: h2.MaxExtra, Unit: "frames", Beyond: "`bad_answer`; an idle connection is closed"},
	{What: "http, dns over HTTPS: HTTP/2 frames of a body with less than 64 bytes in them", Most: h2.MaxSmall, Unit: "frames", Beyond: "`limit`"},
	{What: "http: `max_connection_age`, after which a kept connection is closed", Most: int(mostAge / time.Hour), Unit: "hours", Beyond: "refused"},
	{What: "http: bodies that all runs of one agent hold at once to compare them, where its memory has no known limit", Most: probes.DefaultBodies, Unit: "bytes", Beyond: "expressions and JSON are not checked: `broken`, `local`"},
	{What: "http: of those, what one run may take of the quarter that is kept for small bodies", Most: probes.BodySmall, Unit: "bytes", Beyond: "the same"},
	{What: "http: text that is held where it is only searched for words", Most: textHead, Unit: "bytes", Beyond: "searched as it comes"},
	{What: "http: cookies that a run keeps", Most: maxCookies, Unit: "cookies", Beyond: "dropped, and noted"},
	{What: "http: notes on odd responses that a result lists", Most: maxNotes, Unit: "notes", Beyond: "left out"},
	{What: "http: of those, on what is odd about one head", Most: maxOdd, Unit: "notes", Beyond: "left out, and one says that there are more"},
}
