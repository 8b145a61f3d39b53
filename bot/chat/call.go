package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// maxResponse bounds an answer of the Bot API: a hundred updates of the largest
// kind are below 1 MB.
const maxResponse = 16 << 20

// say is call for what the messenger counts: it waits for the rates and obeys
// their refusals.
func (t *Telegram) say(ctx context.Context, chatID int64, method string, p tg.Params, files []part, result any) error {
	timeout := callTimeout
	if len(files) > 0 {
		timeout = uploadTimeout
	}
	for try := 0; ; try++ {
		if err := t.limits.wait(ctx, chatID, t.bulk, max(1, len(files))); err != nil {
			return fmt.Errorf("chat %s: not sent: %w", method, err)
		}
		err := t.call(ctx, timeout, method, p, files, result)
		var slow *RateError
		if !errors.As(err, &slow) {
			return err
		}
		t.limits.hold(time.Now(), chatID, slow.After)
		if t.bulk || try > 0 || slow.After > maxPatience {
			return err
		}
	}
}

// call makes one request through go-telegram-bot-api, with what that library
// lacks: a context, a timeout, errors without the token, and whether a request
// that failed had left. A request that had not left is tried again.
func (t *Telegram) call(ctx context.Context, timeout time.Duration, method string, p tg.Params, files []part, result any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for try := 0; ; try++ {
		left, err := t.once(ctx, method, p, files, result)
		if err == nil || left || try == len(tries) || ctx.Err() != nil {
			return err
		}
		pause := time.NewTimer(tries[try])
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return err
		}
	}
}

// once makes one try. left tells whether the request may have arrived.
func (t *Telegram) once(ctx context.Context, method string, p tg.Params, files []part, result any) (left bool, err error) {
	d := &doer{ctx: ctx, http: t.http}
	api := *t.api
	api.Client = d
	var r *tg.APIResponse
	if len(files) > 0 {
		sources := make([]tg.RequestFile, len(files))
		for i, f := range files {
			src := &source{upload: f.file}
			defer src.close()
			sources[i] = tg.RequestFile{Name: f.field, Data: src}
		}
		r, err = api.UploadFiles(method, p, sources)
	} else {
		r, err = api.MakeRequest(method, p)
	}
	var refusal *tg.Error
	switch {
	case err == nil:
		if result != nil {
			if err := json.Unmarshal(r.Result, result); err != nil {
				return true, &UnknownOutcomeError{Method: method, Err: fmt.Errorf("read the answer: %w", err)}
			}
		}
		return true, nil
	case errors.As(err, &refusal):
		code := refusal.Code
		if code == 0 && r != nil { // UploadFiles loses it (v5.5.1)
			code = r.ErrorCode
		}
		return true, refusalOf(method, code, refusal.RetryAfter, refusal.Message)
	case d.left():
		return true, &UnknownOutcomeError{Method: method, Err: t.plain(method, err)}
	default:
		return false, t.plain(method, err)
	}
}

// refusalOf tells the refusals apart by what the Bot API says.
func refusalOf(method string, code, retryAfter int, text string) error {
	e := &RefusedError{Method: method, Code: code, Text: text}
	switch {
	case code == http.StatusTooManyRequests || retryAfter > 0:
		return &RateError{After: time.Duration(max(retryAfter, 1)) * time.Second}
	case code == http.StatusForbidden, refused(e, "chat not found", "user is deactivated", "bot was blocked"):
		return fmt.Errorf("%w (%s)", ErrBlocked, method)
	case code == http.StatusConflict && method == "getUpdates":
		return ErrConflict
	case code == http.StatusRequestEntityTooLarge:
		return ErrTooBig
	case code >= http.StatusInternalServerError:
		return &UnknownOutcomeError{Method: method, Err: e}
	}
	return e
}

// refused reports whether err is a refusal with one of the texts, lower case.
func refused(err error, texts ...string) bool {
	var e *RefusedError
	if !errors.As(err, &e) {
		return false
	}
	said := strings.ToLower(e.Text)
	for _, t := range texts {
		if strings.Contains(said, t) {
			return true
		}
	}
	return false
}

// plain strips the token from an error: url.Error and os.PathError carry it in
// the address, and nothing promises that others do not.
func (t *Telegram) plain(method string, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if t.token != "" && strings.Contains(err.Error(), t.token) {
		kept := errors.New(strings.ReplaceAll(err.Error(), t.token, "TOKEN"))
		for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF} {
			if errors.Is(err, known) {
				kept = fmt.Errorf("%w: %s", known, kept.Error())
			}
		}
		err = kept
	}
	return fmt.Errorf("chat %s: %w", method, err)
}

// A doer gives the library a context and watches whether its request leaves.
type doer struct {
	ctx     context.Context //nolint:containedctx // lives for one call of a library without contexts
	http    *http.Client
	headers atomic.Bool // written
	body    atomic.Bool // read to its end, so that its end may have been written
	refused atomic.Bool // the server answered without having taken the request
}

// left reports whether the server may have the whole request.
func (d *doer) left() bool { return d.headers.Load() && d.body.Load() && !d.refused.Load() }

// Do implements tg.HTTPClient.
func (d *doer) Do(req *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(d.ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { d.headers.Store(true) },
	})
	req = req.WithContext(ctx)
	body := func(r io.ReadCloser) io.ReadCloser {
		return &watched{ReadCloser: r, size: req.ContentLength, end: &d.body}
	}
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = body(req.Body)
	} else {
		d.body.Store(true)
	}
	if again := req.GetBody; again != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			r, err := again()
			if err != nil {
				return nil, err
			}
			return body(r), nil
		}
	}
	resp, err := d.http.Do(req) //nolint:gosec // the address is the configured one
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	if !json.Valid(data) { // a proxy's page
		d.refused.Store(resp.StatusCode < http.StatusInternalServerError)
		return nil, fmt.Errorf("HTTP %d without JSON", resp.StatusCode)
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return resp, nil
}

// watched notes when a request's body has been read to its end.
type watched struct {
	io.ReadCloser
	size int64 // -1 or 0 when unknown
	read int64
	end  *atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.read += int64(n)
	if errors.Is(err, io.EOF) || w.size > 0 && w.read >= w.size {
		w.end.Store(true)
	}
	return n, err
}

// source opens an upload for the library, which closes it only when all went
// well and from a goroutine of its own; close does in every case.
type source struct {
	upload Upload
	mu     sync.Mutex
	file   io.ReadCloser
	shut   bool
}

// NeedsUpload implements tg.RequestFileData.
func (*source) NeedsUpload() bool { return true }

// SendData implements tg.RequestFileData.
func (*source) SendData() string { return "" }

// UploadData implements tg.RequestFileData.
func (s *source) UploadData() (string, io.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return "", nil, errors.New("the call is over")
	}
	f, err := s.upload.Open()
	if err != nil {
		return "", nil, fmt.Errorf("open the upload: %w", err)
	}
	s.file = f
	return s.upload.Name, struct{ io.Reader }{f}, nil
}

func (s *source) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	if s.file != nil {
		_ = s.file.Close()
	}
}
