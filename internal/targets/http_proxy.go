package targets

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// HTTPProxy forwards requests in absolute form and makes tunnels for CONNECT.
// With a user it wants him and his password.
func HTTPProxy(addr, user, password string) (*HTTP, error) {
	return serveRaw(addr, func(s *HTTP, c net.Conn) {
		r := bufio.NewReader(c)
		head, err := readHead(r)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.heard = append(s.heard, head)
		s.mu.Unlock()
		want := "\r\nProxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
		if user != "" && !strings.Contains(head, want) {
			io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
			return
		}
		method, rest, _ := strings.Cut(head, " ")
		target, rest, _ := strings.Cut(rest, " ")
		if method != http.MethodConnect {
			u, err := url.Parse(target)
			if err != nil || u.Host == "" {
				io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
				return
			}
			to, err := net.Dial("tcp", u.Host)
			if err != nil {
				io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
				return
			}
			fmt.Fprintf(to, "%s %s %s", method, u.RequestURI(), rest)
			splice(c, r, to)
			return
		}
		to, err := net.Dial("tcp", target)
		if err != nil {
			io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
			return
		}
		io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		splice(c, r, to)
	})
}

// SOCKS5 is a proxy of RFC 1928. With a user it wants him and his password. It
// notes each target as the request that it heard.
func SOCKS5(addr, user, password string) (*HTTP, error) {
	return serveRaw(addr, func(s *HTTP, c net.Conn) {
		if !socksGreet(c, user, password) {
			return
		}
		b := make([]byte, 4)
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		var host []byte
		switch b[3] {
		case 1:
			host = make([]byte, 4)
		case 4:
			host = make([]byte, 16)
		default:
			io.ReadFull(c, b[:1])
			host = make([]byte, b[0])
		}
		port := make([]byte, 2)
		io.ReadFull(c, host)
		if _, err := io.ReadFull(c, port); err != nil {
			return
		}
		name := string(host)
		if b[3] != 3 {
			name = net.IP(host).String()
		}
		target := net.JoinHostPort(name, strconv.Itoa(int(port[0])<<8|int(port[1])))
		s.mu.Lock()
		s.heard = append(s.heard, target)
		s.mu.Unlock()
		to, err := net.Dial("tcp", target)
		if err != nil {
			c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		c.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 0})
		splice(c, c, to)
	})
}

func socksGreet(c net.Conn, user, password string) bool {
	b := make([]byte, 255)
	if _, err := io.ReadFull(c, b[:2]); err != nil || b[0] != 5 {
		return false
	}
	methods := make([]byte, b[1])
	if _, err := io.ReadFull(c, methods); err != nil {
		return false
	}
	if user == "" {
		c.Write([]byte{5, 0})
		return true
	}
	if !strings.Contains(string(methods), "\x02") {
		c.Write([]byte{5, 0xff})
		return false
	}
	c.Write([]byte{5, 2})
	io.ReadFull(c, b[:2])
	name := make([]byte, b[1])
	io.ReadFull(c, name)
	io.ReadFull(c, b[:1])
	word := make([]byte, b[0])
	if _, err := io.ReadFull(c, word); err != nil || string(name) != user || string(word) != password {
		c.Write([]byte{1, 1})
		return false
	}
	c.Write([]byte{1, 0})
	return true
}

// splice copies both ways until one side ends.
func splice(c net.Conn, from io.Reader, to net.Conn) {
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(to, from)
		to.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		io.Copy(c, to)
		c.(*net.TCPConn).CloseWrite()
	})
	both.Wait()
	to.Close()
}
