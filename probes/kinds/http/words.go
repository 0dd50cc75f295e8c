package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// endedBefore is err in words where all that it says is that there was no more to read:
// awaited is what should have come, such as "its answer".
func endedBefore(err error, awaited string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return probes.Fail(wire.FailClosed, "the connection was closed before %s", awaited)
	}
	return err
}

// headAwaited is what of a response had not come when the connection ended.
func (x *httpRun) headAwaited() string {
	if x.d.Status > 0 {
		return "the end of the headers"
	}
	return "an answer"
}

// outOfTime is the error of a run whose time was over before what it awaited came.
func (x *httpRun) outOfTime(ctx context.Context, what, awaited string) error {
	within := ""
	if by, ok := ctx.Deadline(); ok {
		within = fmt.Sprintf(", %v", by.Sub(x.run.Started).Round(time.Millisecond))
	}
	return probes.Fail(wire.FailTimeout, "%s: %s did not come within the timeout%s", what, awaited, within)
}

// goAway is what a server says as it ends a connection of HTTP/2 (RFC 9113 section
// 6.8), out of the library's words for it.
func goAway(text string) string {
	_, code, _ := strings.Cut(text, "ErrCode=")
	code, _, _ = strings.Cut(code, ",")
	if code == "" {
		return "the server ended the connection (GOAWAY)"
	}
	return "the server ended the connection (GOAWAY, " + figures.Clip(code) + ")"
}
