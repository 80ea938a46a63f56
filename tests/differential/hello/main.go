// hello: what Go's crypto/tls makes of a client's first bytes, for
// tools/differential-hello. Cases and lines as tests/tools/hello_views.c has
// them: go=NAMED:hex, go=MORE:- or go=REFUSED:-.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

var errEnough = errors.New("enough")
var errMore = errors.New("more")

// A connection that has these bytes and then no more.
type recorded struct{ rest []byte }

func (r *recorded) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, errMore
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *recorded) Write(p []byte) (int, error)      { return len(p), nil }
func (r *recorded) Close() error                     { return nil }
func (r *recorded) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (r *recorded) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (r *recorded) SetDeadline(time.Time) error      { return nil }
func (r *recorded) SetReadDeadline(time.Time) error  { return nil }
func (r *recorded) SetWriteDeadline(time.Time) error { return nil }

func look(stream []byte) string {
	named := false
	name := ""
	config := &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			named, name = true, h.ServerName
			return nil, errEnough
		},
	}
	err := tls.Server(&recorded{stream}, config).Handshake()
	switch {
	case named && name != "":
		return "NAMED:" + hex.EncodeToString([]byte(name))
	case named:
		return "NAMED:-"
	case errors.Is(err, errMore):
		return "MORE:-"
	}
	return "REFUSED:-"
}

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var n uint32
		if binary.Read(in, binary.BigEndian, &n) != nil {
			return
		}
		stream := make([]byte, n)
		if _, err := io.ReadFull(in, stream); err != nil {
			fmt.Fprintln(os.Stderr, "hello: cases are a length and so many bytes")
			os.Exit(2)
		}
		fmt.Fprintln(out, "go="+look(stream))
	}
}
