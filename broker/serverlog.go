package broker

import (
	"fmt"
	"log/slog"
	"regexp"
	"sync"
)

// serverLog is the server's logger. The server reports why it cannot start by
// Fatalf and nothing else, and continues half started; so the first one is kept
// for Start to return.
type serverLog struct {
	log   *slog.Logger
	often *repeats
	fatal chan struct{} // closed at the first Fatalf

	mu         sync.Mutex // guards the rest
	fatalText  string
	latestText string
}

// leftBeforeTLS is what the server says of a client that connected and left without a word,
// as a port check does: a monitor of kind tcp, or a load balancer's. It is nobody's mistake.
var leftBeforeTLS = regexp.MustCompile(`TLS handshake error: (EOF|.*connection reset by peer)$`)

func newServerLog(log *slog.Logger, often *repeats) *serverLog {
	return &serverLog{log: log, often: often, fatal: make(chan struct{})}
}

func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Debugf(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Tracef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Warnf(format string, v ...any) {
	l.often.add(slog.LevelWarn, fmt.Sprintf(format, v...))
}

func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if leftBeforeTLS.MatchString(text) {
		l.log.Debug("nats: " + text)
		return
	}
	l.mu.Lock()
	l.latestText = text
	l.mu.Unlock()
	l.often.add(slog.LevelError, text)
}

// Fatalf does not end the process, unlike the server's own logger.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.mu.Lock()
	first := l.fatalText == ""
	if first {
		l.fatalText = text
	}
	l.mu.Unlock()
	if first {
		close(l.fatal)
	}
	l.log.Debug("nats: " + text) // Start returns it
}

func (l *serverLog) lastFatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatalText
}

func (l *serverLog) lastError() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latestText
}
