package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	tuslog "golang.org/x/exp/slog"

	"flowbot/service"
)

// Limits of what lies unfinished. A page sends three files at a time.
const (
	mostBegun = 10       // files of one link
	mostSpace = 16 << 30 // bytes that all of them will take
	leastFree = 1 << 30  // bytes that stay free on the disk
)

// networkPatience is how long a sender may be silent in the middle of a file.
const networkPatience = time.Minute

// What a page says of a file.
const (
	metaName = "name"
	metaMark = "mark" // by which it knows the file when it is chosen again

	mostMeta = 300 // bytes of each
)

// uploadName is what unfinished files are called: the link and a random number.
var uploadName = regexp.MustCompile(`^([1-9][0-9]{0,18})-[0-9a-f]{32}$`)

// linkOf is the link of an unfinished file, 0 for what is none.
func linkOf(upload string) int64 {
	m := uploadName.FindStringSubmatch(upload)
	if m == nil {
		return 0
	}
	id, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// visitKey is under which the visit lies in the context of a request.
type visitKey struct{}

// openTus opens the keeper of unfinished files.
func (s *Server) openTus() error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("directory of uploads: %w", err)
	}
	files := filestore.New(s.Dir)
	files.DirModePerm, files.FileModePerm = 0o700, 0o600
	s.store = store{files, s.Log}
	parts := handler.NewStoreComposer()
	parts.UseCore(s.store)
	parts.UseTerminater(s.store)
	parts.UseLocker(locker{memorylocker.New()})
	var err error
	s.tus, err = handler.NewUnroutedHandler(handler.Config{
		StoreComposer: parts, MaxSize: s.Most, BasePath: "/", DisableDownload: true, DisableConcatenation: true,
		Cors: &handler.CorsConfig{Disable: true}, NetworkTimeout: networkPatience,
		// It tells of every request by its path.
		Logger:                    tuslog.New(tuslog.NewTextHandler(io.Discard, nil)),
		PreUploadCreateCallback:   s.mayCreate,
		PreFinishResponseCallback: s.finished,
	})
	if err != nil {
		return fmt.Errorf("uploads: %w", err)
	}
	return nil
}

// pass gives a request to the keeper under the name of the file alone: the token
// goes no further.
func (s *Server) pass(serve http.HandlerFunc, w http.ResponseWriter, r *http.Request, v *service.UploadVisit) {
	ctx, cancel := context.WithCancelCause(context.WithValue(r.Context(), visitKey{}, v))
	defer cancel(nil)
	body := &opened{ReadCloser: r.Body, read: make(chan struct{}), over: ctx.Done()}
	ctx = context.WithValue(ctx, openedKey{}, body)
	defer context.AfterFunc(s.closing, func() {
		if body.await() {
			cancel(context.Cause(s.closing))
		}
	})()
	inner := r.Clone(ctx)
	inner.Body = body
	inner.URL.Path, inner.URL.RawPath, inner.RequestURI = "/"+r.PathValue("upload"), "", "/"
	inner.Header.Del("X-HTTP-Method-Override")
	s.tus.Middleware(serve).ServeHTTP(relative{w}, inner)
}

// opened is the body of a request that tells when it was first read. The keeper of
// unfinished files cuts a request off by what it notes down just before that, and
// guards the note by nothing: until then it must not be asked to.
type opened struct {
	io.ReadCloser
	once sync.Once
	read chan struct{}
	over <-chan struct{} // with the request
}

// openedKey is under which the body lies in the context of a request.
type openedKey struct{}

// Read implements io.Reader.
func (o *opened) Read(p []byte) (int, error) {
	o.once.Do(func() { close(o.read) })
	return o.ReadCloser.Read(p)
}

// await waits until the body is read. It reports false when the request ends first.
func (o *opened) await() bool {
	select {
	case <-o.read:
		return true
	case <-o.over:
		return false
	}
}

// locker lets one request at a time write a file. Who comes next has the one before
// cut off, once that can be.
type locker struct{ *memorylocker.MemoryLocker }

// NewLock implements handler.Locker.
func (l locker) NewLock(id string) (handler.Lock, error) {
	inner, err := l.MemoryLocker.NewLock(id)
	return lock{inner}, err
}

// lock is one of a locker.
type lock struct{ inner handler.Lock }

// Unlock implements handler.Lock.
func (l lock) Unlock() error { return l.inner.Unlock() }

// Lock implements handler.Lock.
func (l lock) Lock(ctx context.Context, release func()) error {
	body, ok := ctx.Value(openedKey{}).(*opened)
	if !ok {
		return l.inner.Lock(ctx, release)
	}
	return l.inner.Lock(ctx, func() {
		go func() { // whoever asks waits for the lock, not for us
			if body.await() {
				release()
			}
		}()
	})
}

// relative tells where a new file lies as seen from the address that made it:
// whatever stands before us may have addresses of its own.
type relative struct{ http.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w relative) WriteHeader(status int) {
	if at := w.Header().Get("Location"); at != "" {
		w.Header().Set("Location", at[strings.LastIndexByte(at, '/')+1:])
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets deadlines be set on the connection.
func (w relative) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// create begins a file.
func (s *Server) create(w http.ResponseWriter, r *http.Request, v *service.UploadVisit) {
	r.Header.Del("Content-Type") // its content comes by requests of its own
	s.begin.Lock()
	defer s.begin.Unlock()
	s.pass(s.tus.PostFile, w, r, v)
}

// own tells whether an unfinished file belongs to a link, and answers if not.
func (s *Server) own(w http.ResponseWriter, r *http.Request, v *service.UploadVisit) bool {
	if linkOf(r.PathValue("upload")) == v.Link.ID {
		return true
	}
	http.NotFound(w, r)
	return false
}

// head tells how much of a file is here. One that has come whole is handed over
// first: whoever asks has not heard of it.
func (s *Server) head(w http.ResponseWriter, r *http.Request, v *service.UploadVisit) {
	if !s.own(w, r, v) {
		return
	}
	name := r.PathValue("upload")
	f, err := s.store.info(r.Context(), name)
	switch {
	case err == nil && f.Offset == f.Size:
		ctx, cancel := patiently(r.Context())
		defer cancel()
		if err := s.handOver(ctx, f); err != nil {
			s.refuse(w, r, err)
			return
		}
		s.came(w, f.Size)
	case err == nil:
		s.pass(s.tus.HeadFile, w, r, v)
	case errors.Is(err, handler.ErrNotFound):
		have, err := s.Links.Came(r.Context(), v.Link.ID, name)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if have == nil {
			http.NotFound(w, r)
			return
		}
		s.came(w, have.Size)
	default:
		s.fail(w, r, err)
	}
}

// came answers for a file that is handed over.
func (s *Server) came(w http.ResponseWriter, size int64) {
	h := w.Header()
	h.Set("Tus-Resumable", "1.0.0")
	h.Set("Upload-Offset", strconv.FormatInt(size, 10))
	h.Set("Upload-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(http.StatusOK)
}

// patch takes more of a file.
func (s *Server) patch(w http.ResponseWriter, r *http.Request, v *service.UploadVisit) {
	if s.own(w, r, v) {
		defer s.coming(r.Context(), v)()
		s.pass(s.tus.PatchFile, w, r, v)
	}
}

// comingEvery is how often the service hears that a file is on its way.
const comingEvery = service.SessionPause / 4

// coming tells the service that a file is on its way until stop is called: a piece of
// it can take minutes.
func (s *Server) coming(ctx context.Context, v *service.UploadVisit) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(comingEvery)
		defer tick.Stop()
		for {
			if err := s.Links.Coming(ctx, v); err != nil && ctx.Err() == nil {
				s.Log.ErrorContext(ctx, "tell that a file is coming", "link", v.Link.ID, "err", err)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-over }
}

// remove gives an unfinished file up.
func (s *Server) remove(w http.ResponseWriter, r *http.Request, v *service.UploadVisit) {
	if s.own(w, r, v) {
		s.pass(s.tus.DelFile, w, r, v)
	}
}

// refusal is what a page is told when a file cannot be begun; it finds the words
// by the code.
func refusal(code string, status int) error { return handler.NewError(code, code, status) }

// mayCreate bounds what is begun.
func (s *Server) mayCreate(e handler.HookEvent) (handler.HTTPResponse, handler.FileInfoChanges, error) {
	var none handler.HTTPResponse
	v, ok := e.Context.Value(visitKey{}).(*service.UploadVisit)
	if !ok {
		return none, handler.FileInfoChanges{}, handler.ErrNotFound
	}
	if err := s.bounded(e.Context, v, e.Upload.Size); err != nil {
		return none, handler.FileInfoChanges{}, err
	}
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return none, handler.FileInfoChanges{}, fmt.Errorf("name an upload: %w", err)
	}
	said := func(key string) string {
		text := e.Upload.MetaData[key]
		return strings.ToValidUTF8(text[:min(len(text), mostMeta)], "")
	}
	return none, handler.FileInfoChanges{
		ID:       fmt.Sprintf("%d-%s", v.Link.ID, hex.EncodeToString(raw)),
		MetaData: handler.MetaData{metaName: service.SafeName(said(metaName)), metaMark: said(metaMark)},
	}, nil
}

// bounded refuses a file of so many bytes when too much lies unfinished.
func (s *Server) bounded(ctx context.Context, v *service.UploadVisit, size int64) error {
	switch err := s.Links.MayBegin(ctx, v); {
	case service.ReasonOf(err) == service.ReasonUploadLink:
		return refusal("over", http.StatusGone)
	case err != nil && service.AsError(err).Kind == service.Internal:
		s.Log.ErrorContext(ctx, "upload page", "err", err)
		return refusal("internal", http.StatusInternalServerError)
	case err != nil:
		return refusal("enough", http.StatusForbidden)
	case size == 0:
		return refusal("empty", http.StatusBadRequest)
	}
	all, err := s.begun(0)
	if err != nil {
		s.Log.ErrorContext(ctx, "upload page", "err", err)
		return refusal("internal", http.StatusInternalServerError)
	}
	files, own, space, missing := 0, int64(0), size, size
	for _, f := range all {
		space += f.Size
		missing += f.Size - f.Offset
		if linkOf(f.ID) == v.Link.ID {
			files, own = files+1, own+f.Size
		}
	}
	switch free, err := freeSpace(s.Dir); {
	case err != nil:
		s.Log.ErrorContext(ctx, "upload page", "err", err)
		return refusal("internal", http.StatusInternalServerError)
	case files >= mostBegun, own > 0 && own+size > s.Most:
		return refusal("busy", http.StatusTooManyRequests)
	case space > mostSpace, missing > free-leastFree:
		return refusal("full", http.StatusInsufficientStorage)
	}
	return nil
}

// freeSpace is how many bytes can be written to the disk of a directory.
func freeSpace(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("disk of uploads: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil //nolint:gosec // no disk has 2^63 bytes
}

// handingOver bounds handing a file over: 2 GB from and to a slow disk.
const handingOver = 10 * time.Minute

// patiently is the context in which files are handed over: whoever sent them may
// be gone.
func patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), handingOver)
}

// finished hands a file over whose last byte has come.
func (s *Server) finished(e handler.HookEvent) (handler.HTTPResponse, error) {
	ctx, cancel := patiently(e.Context)
	defer cancel()
	err := s.handOver(ctx, e.Upload)
	if err == nil {
		return handler.HTTPResponse{}, nil
	}
	if refused := service.AsError(err); refused.Kind != service.Internal {
		words, werr := s.Say(refused.Reason, refused.Data)
		if werr != nil {
			words = string(refused.Reason)
		}
		said := handler.NewError("refused", words, http.StatusUnprocessableEntity)
		said.HTTPResponse.Body = words // a person reads it
		return handler.HTTPResponse{}, said
	}
	s.Log.ErrorContext(ctx, "upload not handed over", "upload", e.Upload.ID, "err", err)
	return handler.HTTPResponse{}, refusal("internal", http.StatusInternalServerError)
}

// handOver puts a whole file into the file store and lets the service receive it,
// which it does once. A file that is refused is removed; after a fault of ours it
// stays, to be tried again.
func (s *Server) handOver(ctx context.Context, f handler.FileInfo) error {
	over := make(chan struct{})
	if other, busy := s.ending.LoadOrStore(f.ID, over); busy {
		select {
		case <-other.(chan struct{}):
		case <-ctx.Done():
			return ctx.Err()
		}
		return s.handOver(ctx, f)
	}
	defer func() { s.ending.Delete(f.ID); close(over) }()
	have, err := s.Links.Came(ctx, linkOf(f.ID), f.ID)
	if err != nil {
		return err
	}
	if have == nil {
		err = s.receive(ctx, f)
	}
	if err != nil && service.AsError(err).Kind == service.Internal {
		return err
	}
	return errors.Join(err, s.store.drop(ctx, f.ID))
}

func (s *Server) receive(ctx context.Context, f handler.FileInfo) error {
	content, err := os.Open(filepath.Join(s.Dir, f.ID))
	if errors.Is(err, os.ErrNotExist) { // refused meanwhile, or given up
		return &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound, Err: err}
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", f.ID, err)
	}
	defer content.Close()
	sha, size, err := s.Files.Put(ctx, content)
	if err != nil {
		return fmt.Errorf("upload %s: %w", f.ID, err)
	}
	return s.Links.Receive(ctx, service.UploadFile{LinkID: linkOf(f.ID), Upload: f.ID, Name: f.MetaData[metaName], Size: size}, sha)
}

// begun lists the unfinished files of a link, 0 for all.
func (s *Server) begun(linkID int64) ([]handler.FileInfo, error) {
	list, err := os.ReadDir(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("list uploads: %w", err)
	}
	var out []handler.FileInfo
	for _, e := range list {
		link := linkOf(e.Name())
		if link == 0 || linkID != 0 && link != linkID {
			continue
		}
		f, err := s.store.info(context.Background(), e.Name())
		if errors.Is(err, handler.ErrNotFound) {
			continue // removed meanwhile, or its maker died over it
		}
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// store keeps unfinished files. What goes wrong with the disk is told by the log,
// not to who sends.
type store struct {
	filestore.FileStore
	log *slog.Logger
}

// kept is an unfinished file.
type kept struct {
	handler.Upload
	store store
}

// explain makes what may be told out of an error.
func (s store) explain(ctx context.Context, err error) error {
	var known handler.Error
	var cut *json.SyntaxError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.As(err, &cut): // its maker died over it
		return handler.ErrNotFound
	}
	s.log.ErrorContext(ctx, "upload", "err", err)
	if errors.Is(err, syscall.ENOSPC) {
		return refusal("full", http.StatusInsufficientStorage)
	}
	return refusal("internal", http.StatusInternalServerError)
}

// NewUpload implements handler.DataStore.
func (s store) NewUpload(ctx context.Context, info handler.FileInfo) (handler.Upload, error) {
	u, err := s.FileStore.NewUpload(ctx, info)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	return kept{u, s}, nil
}

// GetUpload implements handler.DataStore.
func (s store) GetUpload(ctx context.Context, id string) (handler.Upload, error) {
	u, err := s.FileStore.GetUpload(ctx, id)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	return kept{u, s}, nil
}

// AsTerminatableUpload implements handler.TerminaterDataStore.
func (s store) AsTerminatableUpload(u handler.Upload) handler.TerminatableUpload {
	return s.FileStore.AsTerminatableUpload(u.(kept).Upload) //nolint:forcetypeassert // it made them
}

// WriteChunk implements handler.Upload.
func (u kept) WriteChunk(ctx context.Context, offset int64, src io.Reader) (int64, error) {
	n, err := u.Upload.WriteChunk(ctx, offset, src)
	return n, u.store.explain(ctx, err)
}

// info tells of an unfinished file.
func (s store) info(ctx context.Context, name string) (handler.FileInfo, error) {
	u, err := s.GetUpload(ctx, name)
	if err != nil {
		return handler.FileInfo{}, err
	}
	return u.GetInfo(ctx)
}

// drop removes an unfinished file; one that is not there is removed already.
func (s store) drop(ctx context.Context, name string) error {
	for _, path := range []string{filepath.Join(s.Path, name), filepath.Join(s.Path, name+".info")} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return s.explain(ctx, err)
		}
	}
	return nil
}
