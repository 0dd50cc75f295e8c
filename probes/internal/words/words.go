package words

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// worded is an error of the standard library in words for people. What it wraps
// is still there for [probes.Reason].
type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }

func (w *worded) Unwrap() error { return w.err }

// InWords is [Plain] for an error that may have words of ours around it, which
// stay: such as who sent the ICMP message behind a system error.
func InWords(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	text := GoWords(err.Error())
	switch {
	case err == io.EOF:
		text = "the connection was closed"
	case IsTimeout(err) && !strings.Contains(text, noAnswerInTime):
		text = noAnswerInTime
	}
	if text == err.Error() {
		return err
	}
	return &worded{text, err}
}

const noAnswerInTime = "no answer in time"

// IsTimeout says whether err means that the time was over.
func IsTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// Within is a time that was waited for nothing, for a sentence.
func Within(took time.Duration) string {
	switch {
	case took >= time.Second:
		took = took.Round(100 * time.Millisecond)
	case took >= 100*time.Millisecond:
		took = took.Round(10 * time.Millisecond)
	default:
		took = took.Round(time.Millisecond)
	}
	return "within " + took.String()
}

// goPhrases are what the standard library says, and what a person would.
var goPhrases = []struct {
	of *regexp.Regexp
	is string
}{
	{regexp.MustCompile(`\b(dial|read|write|lookup|set|close) (tcp|udp|ip)[46]?( [^ ]*[^ :])?(->[^ ]*[^ :])?: `), ""},
	{regexp.MustCompile(`\b(connect|read|write|recvmsg|recvmmsg|recvfrom|sendto|sendmsg|socket|bind): ([a-z])`), "$2"},
	{regexp.MustCompile(`lookup [^ ]+( on [^ ]+)?: `), ""},
	{regexp.MustCompile(`context deadline exceeded( \(Client\.Timeout[^)]*\))?|i/o timeout|operation timed out`), noAnswerInTime},
	{regexp.MustCompile(`context canceled`), "it was stopped"},
	{regexp.MustCompile(`\bunexpected EOF\b`), "the connection was closed before the end"},
	{regexp.MustCompile(`\bEOF\b`), "the connection was closed"},
	{regexp.MustCompile(`use of closed network connection|http2: client connection force closed via ClientConn.Close`), "the connection was closed on this side"},
	{regexp.MustCompile(`remote error: (?:tls: )?([^"]+)`), `the server ended it with the alert "$1"`},
	{regexp.MustCompile(`local error: (?:tls: )?`), ""},
	{regexp.MustCompile(`tls: first record does not look like a TLS handshake`), "what came is not TLS"},
	{regexp.MustCompile(`tls: server selected unsupported protocol version 0x0*([0-9a-f]+)`), "the server chose TLS version 0x$1, which was not offered"},
	{regexp.MustCompile(`net/http: HTTP/1\.x transport connection broken: `), ""},
	{regexp.MustCompile(`net/http: HTTP/1\.x transport connection broken`), "the connection broke"},
	{regexp.MustCompile(`net/http: server replied with more than declared Content-Length; truncated`), "more came than Content-Length says"},
	{regexp.MustCompile(`readLoopPeekFailLocked: %!w\(<nil>\)`), "something came before the request was sent"},
	{regexp.MustCompile(`readLoopPeekFailLocked: `), ""},
	{regexp.MustCompile(`malformed HTTP (response|status code|version)`), "not HTTP: $1"},
	{regexp.MustCompile(`malformed MIME header:? ?(?:missing colon|line|initial line)?:?`), "a header line without a name:"},
	{regexp.MustCompile(`malformed chunked encoding|invalid byte in chunk length`), "the chunks of the body are not well-formed"},
	{regexp.MustCompile(`\bdns: (overflow(ing)? unpacking [^:;]*|buffer size too small)`), "a field goes past its end"},
	{regexp.MustCompile(`\bdns: too many compression pointers`), "a name refers to itself"},
	{regexp.MustCompile(`\bdns: (bad (rdata|rdlength|off|rcode)|short read)`), "$1"},
	{regexp.MustCompile(`server misbehaving`), "it answered with an error"},
	{regexp.MustCompile(`cannot unmarshal DNS message`), "its answer cannot be read"},
	{regexp.MustCompile(`no answer from DNS server`), "its answer is empty"},
	{regexp.MustCompile(`.*frame too large, note that the frame header looked like an HTTP/1\.1 header`), "what came is HTTP/1.1, not HTTP/2"},
	{regexp.MustCompile(`failed reading the frame payload: `), ""},
	{regexp.MustCompile(`\bframe too large\b`), "what came is not HTTP/2, or a frame that is too large"},
	{regexp.MustCompile(`Transport received GOAWAY from server ErrCode:`), "the server ended the connection with GOAWAY "},
	{regexp.MustCompile(`stream error: stream ID \d+; (\w+); received from peer`), "the server reset the stream with $1"},
	{regexp.MustCompile(`PROTOCOL_ERROR|FLOW_CONTROL_ERROR|FRAME_SIZE_ERROR|COMPRESSION_ERROR`), "HTTP/2 error $0"},
	{regexp.MustCompile(`\b(tls|x509|http2?|net/http|net|textproto|bufio|bufio\.Scanner|bufio\.Reader|asn1|strconv\.\w+|multipart|hpack): `), ""},
}

// GoWords puts a person's words in place of Go's.
func GoWords(text string) string {
	for _, p := range goPhrases {
		text = p.of.ReplaceAllString(text, p.is)
	}
	return text
}

// Plain words an error for people: it drops the addresses that net puts before
// a system error, as the caller names the one that matters, and what only who
// knows Go's library understands. One of ours is in such words already.
func Plain(err error) error {
	var ours interface{ InWords() } // such as *Error of probes
	var done *worded
	var errno syscall.Errno
	switch {
	case err == nil, errors.As(err, &ours), errors.As(err, &done), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &errno):
		return errno
	}
	return InWords(err)
}
