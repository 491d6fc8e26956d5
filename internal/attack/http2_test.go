package attack

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is an HTTP/2 connection on which any header can be said, in any order and spelling.
type frames struct {
	conn   net.Conn
	framer *http2.Framer
	stream uint32
}

// errReset is how a server refuses what is not a request.
var errReset = errors.New("stream reset")

// frames opens a connection to a proxy with a certificate.
func (p *proxy) frames() *frames {
	p.t.Helper()
	conn, err := tls.Dial("tcp", p.host, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) //nolint:gosec // the test made the certificate
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		p.t.Fatal("the proxy does not speak HTTP/2")
	}
	_ = conn.SetDeadline(time.Now().Add(2 * clientLimit))
	f := &frames{conn: conn, framer: http2.NewFramer(conn, conn)}
	f.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	if err == nil {
		err = f.framer.WriteSettings()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

// field is a header or pseudo-header.
type field [2]string

// get are the fields of a GET.
func (p *proxy) get(target string, more ...field) []field {
	return append([]field{{":method", "GET"}, {":scheme", "https"}, {":authority", p.host}, {":path", target}}, more...)
}

// ask sends a request without a body on a new stream and returns status, headers and body of the answer. The error is
// errReset where the server refuses the stream, and another where it ends the connection.
func (f *frames) ask(fields []field) (status int, header []field, body string, err error) {
	f.stream += 2
	id := f.stream - 1
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			return 0, nil, "", err
		}
	}
	if err := f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
		return 0, nil, "", err
	}
	var got []byte
	for {
		frame, err := f.framer.ReadFrame()
		if err != nil {
			return 0, nil, "", err
		}
		ended := frame.Header().Flags.Has(http2.FlagDataEndStream)
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.framer.WriteSettingsAck()
			}
			continue
		case *http2.GoAwayFrame:
			return 0, nil, "", io.EOF
		case *http2.RSTStreamFrame:
			if frame.StreamID == id && status == 0 {
				return 0, nil, "", errReset
			}
			ended = frame.StreamID == id
		case *http2.MetaHeadersFrame:
			for _, h := range frame.Fields {
				if h.Name == ":status" {
					status, _ = strconv.Atoi(h.Value)
				}
				header = append(header, field{h.Name, h.Value})
			}
		case *http2.DataFrame:
			got = append(got, frame.Data()...)
			if n := len(frame.Data()); n > 0 { // else the connection's window is used up after some answers
				_ = f.framer.WriteWindowUpdate(0, uint32(n))
			}
		default:
			continue
		}
		if ended && frame.Header().StreamID == id {
			return status, header, string(got), nil
		}
	}
}

// settings asks for what the server announces.
func (f *frames) settings() (map[http2.SettingID]uint32, error) {
	said := map[http2.SettingID]uint32{}
	for {
		frame, err := f.framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		if s, ok := frame.(*http2.SettingsFrame); ok && !s.IsAck() {
			err := s.ForeachSetting(func(s http2.Setting) error { said[s.ID] = s.Val; return nil })
			return said, errors.Join(err, f.framer.WriteSettingsAck())
		}
	}
}

// Security class 1 over HTTP/2, where nothing stops a client from writing names as it likes.
func TestClass01HeaderSpoofingHTTP2(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	cert, key := certificate(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/public/"), "--tls-cert", cert, "--tls-key", key)
	session := field{"cookie", p.loggedIn().cookie()[len("Cookie: "):]}
	f := p.frames()
	refused := 0
	for _, header := range identityHeaders() {
		for _, attack := range http2Spellings(header) {
			for path, name := range map[string]string{"/x": user, "/public/x": ""} {
				fields := p.get(path, attack...)
				if name != "" {
					fields = append(fields, session)
				}
				status, _, body, err := f.ask(fields)
				got := a.taken()
				switch {
				case len(got) == 0 && (err != nil || status == 400):
					refused++
					if err != nil && !errors.Is(err, errReset) {
						f = p.frames()
					}
				case len(got) == 1 && status == 200:
					said := make([]string, 0, len(attack))
					for _, a := range attack {
						said = append(said, a[0]+": "+a[1])
					}
					wantNoMallory(t, said, got[0], name)
				default:
					t.Fatalf("%q: %d %s, %v, the app saw %d requests", attack, status, body, err, len(got))
				}
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: the client is too polite to be of use")
	}
}

// http2Spellings are the ways to write a header in HTTP/2, including invalid ones.
func http2Spellings(name string) [][]field {
	lower := bytes.ToLower([]byte(name))
	with := func(separator string) string { return string(bytes.ReplaceAll(lower, []byte("-"), []byte(separator))) }
	all := [][]field{
		{{name, "mallory"}}, {{":" + with("-"), "mallory"}}, {{with("-") + " ", "mallory"}}, {{with("-") + "\r\nx", "mallory"}},
		{{"x-other", "a\r\n" + name + ": mallory"}}, {{"x-other", "a\n" + name + ": mallory"}}, {{"x-other", "a\x00" + name + ": mallory"}},
		{{with("-"), "mallory"}, {with("-"), "mallory"}, {with("_"), ""}},
		{{"connection", with("-")}, {with("_"), "mallory"}}, {{"te", "trailers"}, {"trailer", with("-")}, {with("-"), "mallory"}},
		{{"transfer-encoding", "chunked"}, {with("_"), "mallory"}}, {{"upgrade", "websocket"}, {with("_"), "mallory"}},
		{{"host", "mallory"}, {with("_"), "mallory"}}, {{":authority", "mallory"}}, {{":path", "/public/"}},
	}
	for _, separator := range []string{"-", "_", ".", "", "~", "!", "|", "--", "-_"} {
		all = append(all, []field{{with(separator), "mallory"}}, []field{{with(separator), "mallory "}})
	}
	return all
}

// Security class 13: the one WebSocket of HTTP/2, extended CONNECT (RFC 8441), is neither announced nor served.
func TestClass13WebSocketHTTP2(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	cert, key := certificate(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/public/"), "--tls-cert", cert, "--tls-key", key)
	session := field{"cookie", p.loggedIn().cookie()[len("Cookie: "):]}
	f := p.frames()
	said, err := f.settings()
	if err != nil || said[http2.SettingEnableConnectProtocol] != 0 {
		t.Errorf("the proxy announces extended CONNECT: %v, %v", said, err)
	}
	for name, fields := range map[string][]field{
		"extended CONNECT": {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", p.host}, {":path", "/ws"}, session},
		"without a login":  {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", p.host}, {":path", "/ws"}},
		"to a public path": {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", p.host}, {":path", "/public/"}},
		"plain CONNECT":    {{":method", "CONNECT"}, {":authority", a.url[len("http://"):]}, session},
		"upgrade":          append(p.get("/ws"), field{"upgrade", "websocket"}, field{"connection", "upgrade"}, session),
	} {
		status, _, body, err := f.ask(fields)
		if err == nil && status < 400 {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if err != nil && !errors.Is(err, errReset) {
			f = p.frames()
		}
		if got := a.taken(); len(got) > 0 && (name != "upgrade" || slices.ContainsFunc(got, func(s seen) bool { return s.Header.Get("Upgrade") != "" })) {
			t.Errorf("%s: the app got %+v", name, got)
		}
	}
}

// Security class 3: a client cannot claim that a connection is encrypted. HTTP/2 has a pseudo-header for it.
func TestClass03SchemeHTTP2(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	cert, key := certificate(t)
	p := start(t, a.url, password(), "--tls-cert", cert, "--tls-key", key)
	in := field{"authorization", strings.TrimPrefix(asBasic(user, pass), "Authorization: ")}
	for _, scheme := range []string{"https", "http"} {
		status, header, _, err := p.frames().ask([]field{{":method", "GET"}, {":scheme", scheme}, {":authority", p.host}, {":path", "/x"}, in})
		got := a.taken()
		if err != nil || status != 200 || len(got) != 1 || got[0].Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("%s: %d, %v; the app got %v", scheme, status, err, got)
		}
		for _, h := range header {
			if h[0] == "set-cookie" && !(strings.HasPrefix(h[1], "__Host-") && strings.Contains(h[1], "; Secure")) {
				t.Errorf("%s: a cookie for connections without encryption: %s", scheme, h[1][:20])
			}
		}
	}
}

// Security class 19: an app that puts the Host in front of the path reads the path that the rules were asked about, and
// a page that shows it shows a name. HTTP/2 has no such rule of its own.
func TestClass19HostHeaderHTTP2(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	cert, key := certificate(t)
	p := start(t, a.url, password(), "--tls-cert", cert, "--tls-key", key)
	in := field{"authorization", strings.TrimPrefix(asBasic(user, pass), "Authorization: ")}
	for host, want := range map[string]int{
		"app.example": 200, "app.example:8443": 200, "APP_1.example": 200, "[2001:db8::1]:8443": 200, "192.0.2.1": 200,
		"app.example/public": 400, "app.example?": 400, "app.example#x": 400, `app.example\x`: 400, "app.example x": 400, "app.example\tx": 400, `"><script>`: 400,
		"äpp.example": 400, "app.example^": 400, "{x}": 400, "app.example|x": 400, "`x`": 400,
	} {
		status, _, _, err := p.frames().ask(append([]field{{":method", "GET"}, {":scheme", "https"}, {":authority", host}, {":path", "/x"}}, in))
		got := a.taken()
		if want == 200 && (len(got) != 1 || got[0].Host != host) || want != 200 && len(got) > 0 || err != nil || status != want {
			t.Errorf("%q: %d, %v, want %d; the app got %v", host, status, err, want, got)
		}
	}
}
