// Package web serves the pages of our own server: one at which a person sends
// scans that are too large for the chat, with a link that the bot has given. What
// comes there is resumed after a lost connection, a closed tab or a restart, and
// goes the same way as a file of the chat once it is whole.
//
// Unfinished files lie on the disk of the machine that serves the page. Whoever
// runs several sends all who come by PUBLIC_URL to one of them.
package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/tus/tusd/v2/pkg/handler"
	"golang.org/x/time/rate"

	"flowbot/service"
	"flowbot/templates"
)

//go:embed page
var assets embed.FS

// Config is what the pages work with.
type Config struct {
	Links *service.UploadLinks
	Files service.FileStore
	Dir   string // for unfinished files; made when it is missing
	Most  int64  // bytes of one file
	Say   service.Say
	Now   service.Clock
	Log   *slog.Logger
}

// Server serves the pages. It is safe for concurrent use.
type Server struct {
	Config
	page    *template.Template
	tus     *handler.UnroutedHandler
	store   store
	begin   sync.Mutex // held while a file is begun: limits are over all of them
	ending  sync.Map   // names of files that are being handed over
	wrong   *rate.Limiter
	known   sync.Map // hash of a token to nothing: it has led somewhere
	closing context.Context
	close   context.CancelCauseFunc
}

// Tries with tokens that lead nowhere, of all who come: with 2^128 tokens this
// bounds the load on the database, not the odds. Tokens that have led somewhere
// are not held up by them.
const (
	triesASecond = 20
	triesAtOnce  = 100
)

// New returns a server of pages.
func New(c Config) (*Server, error) {
	page, err := templates.UploadPage()
	if err != nil {
		return nil, err
	}
	s := &Server{Config: c, page: page, wrong: rate.NewLimiter(triesASecond, triesAtOnce)}
	s.closing, s.close = context.WithCancelCause(context.Background())
	return s, s.openTus()
}

// Handle adds the pages to a mux.
func (s *Server) Handle(mux *http.ServeMux) {
	mux.Handle("GET /upload-page/{name}", strict(http.HandlerFunc(s.asset)))
	for pattern, serve := range map[string]visited{
		"GET /upload/{token}":                   s.show,
		"GET /upload/{token}/state":             s.state,
		"POST /upload/{token}/files/{$}":        s.create,
		"HEAD /upload/{token}/files/{upload}":   s.head,
		"PATCH /upload/{token}/files/{upload}":  s.patch,
		"DELETE /upload/{token}/files/{upload}": s.remove,
	} {
		mux.Handle(pattern, strict(s.visit(serve)))
	}
	mux.Handle("POST /upload/{token}/done", strict(http.HandlerFunc(s.done)))
}

// Stop interrupts the uploads that are under way; they are resumed at the next
// start.
func (s *Server) Stop() { s.close(handler.ErrServerShutdown) }

// strict keeps the token out of everybody's sight but the page's own, and
// anything foreign out of the page.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "+
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// visited serves somebody whose link is alive.
type visited func(w http.ResponseWriter, r *http.Request, v *service.UploadVisit)

// visit asks for the rights behind a link, at every request anew.
func (s *Server) visit(next visited) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.PathValue("token")
		if !s.mayTry(token) {
			w.Header().Set("Retry-After", "10")
			s.dead(w, r, http.StatusTooManyRequests)
			return
		}
		v, err := s.Links.Visit(r.Context(), token)
		s.tried(token, err)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		next(w, r, v)
	})
}

// mayTry bounds the tries with tokens that have never led anywhere.
func (s *Server) mayTry(token string) bool {
	if _, led := s.known.Load(sha256.Sum256([]byte(token))); led {
		return true
	}
	return s.wrong.TokensAt(s.Now()) >= 1
}

// tried notes where a token has led.
func (s *Server) tried(token string, err error) {
	hash := sha256.Sum256([]byte(token))
	switch {
	case err == nil:
		s.known.Store(hash, nil)
	case service.AsError(err).Kind != service.Internal:
		s.known.Delete(hash)
		s.wrong.AllowN(s.Now(), 1)
	}
}

// refuse answers with a refusal. Whatever is wrong with a link, the answer is the
// same.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch e := service.AsError(err); e.Kind {
	case service.NotFound:
		s.dead(w, r, http.StatusNotFound)
	case service.Forbidden:
		http.Error(w, "forbidden", http.StatusForbidden)
	case service.Conflict, service.Invalid:
		words, werr := s.Say(e.Reason, e.Data)
		if werr != nil {
			s.fail(w, r, werr)
			return
		}
		http.Error(w, words, http.StatusUnprocessableEntity)
	case service.Internal:
		s.fail(w, r, err)
	}
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.ErrorContext(r.Context(), "upload page", "err", err)
	http.Error(w, "internal error", http.StatusInternalServerError)
}

// dead is the page of a link that leads nowhere.
func (s *Server) dead(w http.ResponseWriter, r *http.Request, status int) {
	s.render(w, r, status, "dead", nil)
}

func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := s.page.ExecuteTemplate(&b, name, data); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// asset serves what the page is made of.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, err := assets.ReadFile("page/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(content))[:16]))
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// shown is what the page says at first.
type shown struct {
	Exam  string // number
	Until string // clock time and day in the zone of the reader
	Most  int64  // bytes of one file
	Late  bool
}

// show is the page. Looking at it changes nothing.
func (s *Server) show(w http.ResponseWriter, r *http.Request, v *service.UploadVisit) {
	zone, err := time.LoadLocation(v.By.Zone)
	if err != nil {
		zone = time.UTC
	}
	s.render(w, r, http.StatusOK, "upload", shown{
		Exam: v.Exam.Number, Until: v.Link.ExpiresAt.In(zone).Format("15:04"), Most: s.Most, Late: v.Late,
	})
}

// stateView is what the page asks for when it is opened, or comes back.
type stateView struct {
	Left  int         `json:"left"` // seconds in which files can be begun
	Files []stateFile `json:"files"`
}

// stateFile is a file that has come, or has begun to.
type stateFile struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // bytes
	Offset int64  `json:"offset"` // bytes that are here
	Mark   string `json:"mark"`   // by which the page knows the file when it is chosen again
	Done   bool   `json:"done"`
}

func (s *Server) state(w http.ResponseWriter, r *http.Request, v *service.UploadVisit) {
	came, err := s.Links.Files(r.Context(), v)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := stateView{Left: max(0, int(v.Link.ExpiresAt.Sub(s.Now()).Seconds())), Files: []stateFile{}}
	for _, f := range came {
		out.Files = append(out.Files, stateFile{f.Upload, f.Name, f.Size, f.Size, "", true})
	}
	begun, err := s.begun(v.Link.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, f := range begun {
		out.Files = append(out.Files, stateFile{f.ID, f.MetaData[metaName], f.Size, f.Offset, f.MetaData[metaMark], false})
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.Log.WarnContext(r.Context(), "state of an upload page not sent", "err", err)
	}
}

// done is «Готово»: what has come whole is handed over, what has not is given up,
// and the link is used. Pressed again, it says the same.
func (s *Server) done(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	if !s.mayTry(token) {
		s.dead(w, r, http.StatusTooManyRequests)
		return
	}
	v, err := s.Links.Visit(r.Context(), token)
	if err == nil {
		err = s.conclude(r.Context(), v.Link.ID)
	}
	if err != nil && service.ReasonOf(err) != service.ReasonUploadLink {
		s.refuse(w, r, err)
		return
	}
	err = s.Links.Finish(r.Context(), token)
	s.tried(token, err)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// conclude hands over what has come whole by a link and removes the rest.
func (s *Server) conclude(ctx context.Context, linkID int64) error {
	begun, err := s.begun(linkID)
	if err != nil {
		return err
	}
	ctx, cancel := patiently(ctx)
	defer cancel()
	var all []error
	for _, f := range begun {
		if f.Offset == f.Size {
			all = append(all, s.handOver(ctx, f))
		} else {
			all = append(all, s.store.drop(ctx, f.ID))
		}
	}
	return errors.Join(all...)
}
