package emulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"image"
	_ "image/gif" // sizes of pictures
	"image/jpeg"
	_ "image/png" // sizes of pictures
	"net/http"
	"path"
	"strconv"
	"strings"
)

// maxPhoto is what a bot may send as a photo, in bytes. Source: Telegram Bot
// API, sendPhoto ("at most 10 MB in size").
const maxPhoto = 10 << 20

// file is one stored file under one file_id.
type file struct {
	id, unique string
	kind       string // documents, photos, voice, stickers
	name       string
	mime       string
	path       string // as getFile gives it
	data       []byte
	content    string // key of the bytes
	width      int
	height     int
}

// fileStore keeps files for ever; equal contents share their bytes.
type fileStore struct {
	byID     map[string]*file
	byPath   map[string]*file
	contents map[string][]byte
	count    int
}

func newFileStore() fileStore {
	return fileStore{byID: map[string]*file{}, byPath: map[string]*file{}, contents: map[string][]byte{}}
}

// add stores a file under a new file_id; the unique id depends on the kind and
// the content alone.
func (st *fileStore) add(kind, name, mime string, data []byte) *file {
	sum := sha256.New()
	sum.Write([]byte(kind))
	sum.Write(data)
	unique := base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:11])
	if same, ok := st.contents[unique]; ok {
		data = same
	} else {
		st.contents[unique] = data
	}
	st.count++
	number := strconv.Itoa(st.count)
	salt := sha256.Sum256([]byte(number + unique))
	f := &file{
		id: "BQAC" + base64.RawURLEncoding.EncodeToString(salt[:]) + "AAE", unique: unique, kind: kind, name: name, mime: mime, data: data, content: unique,
		path: kind + "/file_" + number + extension(name),
	}
	st.byID[f.id], st.byPath[f.path] = f, f
	return f
}

// extension keeps what is safe in a path.
func extension(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if len(ext) < 2 || len(ext) > 8 || strings.Trim(ext[1:], "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return ""
	}
	return ext
}

// mimeTypes are the types that Telegram derives from a name, as far as the
// emulator needs them; the system's table would differ between machines.
var mimeTypes = map[string]string{
	".pdf": "application/pdf", ".zip": "application/zip", ".txt": "text/plain", ".csv": "text/csv", ".json": "application/json",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".tif": "image/tiff", ".tiff": "image/tiff",
	".heic": "image/heic", ".webp": "image/webp", ".xls": "application/vnd.ms-excel",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}

func mimeOf(name, declared string) string {
	if m, ok := mimeTypes[strings.ToLower(path.Ext(name))]; ok {
		return m
	}
	if declared != "" {
		return declared
	}
	return "application/octet-stream"
}

func (f *file) document() *document {
	return &document{FileID: f.id, FileUniqueID: f.unique, FileName: f.name, MimeType: f.mime, FileSize: int64(len(f.data))}
}

// photoSides are the longer sides of the sizes that Telegram makes, in pixels:
// its types s, m, x, y and w.
var photoSides = []int{90, 320, 800, 1280, 2560}

// addPhoto stores a picture in the sizes that Telegram would make. The smaller
// sizes tell their measures and carry the bytes of the whole picture; a picture
// that is no JPEG becomes one, as it does in Telegram.
func (st *fileStore) addPhoto(data []byte) (*file, []photoSize) {
	width, height := 800, 600
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err == nil {
		width, height = config.Width, config.Height
		if format != "jpeg" {
			data = toJPEG(data)
		}
	}
	var sizes []photoSize
	var largest *file
	longer := max(width, height, 1)
	for i, side := range photoSides {
		last := side >= longer || i == len(photoSides)-1
		if last {
			side = min(side, longer)
		}
		f := st.add("photos", "photo.jpg", "image/jpeg", data)
		f.width, f.height = max(width*side/longer, 1), max(height*side/longer, 1)
		f.unique += strconv.Itoa(i)
		sizes = append(sizes, photoSize{FileID: f.id, FileUniqueID: f.unique, Width: f.width, Height: f.height, FileSize: int64(len(data))})
		if largest = f; last {
			break
		}
	}
	return largest, sizes
}

func toJPEG(data []byte) []byte {
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return data
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: 87}); err != nil {
		return data
	}
	return b.Bytes()
}

// sizesOf rebuilds the sizes of a photo that is sent again by its file_id.
func (f *file) sizes() []photoSize {
	return []photoSize{{FileID: f.id, FileUniqueID: f.unique, Width: f.width, Height: f.height, FileSize: int64(len(f.data))}}
}

// checkPhoto refuses what Telegram refuses as a photo.
func checkPhoto(u *upload) error {
	if u.size > maxPhoto {
		return badRequest("file of size %d bytes is too big for a photo; the maximum size is %d bytes", u.size, maxPhoto)
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(u.data))
	if err != nil {
		return badRequest("IMAGE_PROCESS_FAILED")
	}
	// Source: Telegram Bot API, sendPhoto ("width and height must not exceed
	// 10000 in total, ratio must be at most 20").
	longer, shorter := max(config.Width, config.Height), min(config.Width, config.Height)
	if config.Width+config.Height > 10000 || longer > 20*shorter {
		return badRequest("PHOTO_INVALID_DIMENSIONS")
	}
	return nil
}

func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, token, path string) {
	if token != s.opt.Token {
		s.answer(w, nil, &apiError{code: http.StatusUnauthorized, description: "Unauthorized"})
		return
	}
	fault := s.fault("download", nil)
	if fault.acts() {
		fault.act(r.Context(), w)
		return
	}
	fault.wait(r.Context())
	s.mu.Lock()
	f := s.files.byPath[path]
	s.counts["download"]++
	s.mu.Unlock()
	if f == nil || int64(len(f.data)) > s.opt.MaxDownload {
		s.answer(w, nil, &apiError{code: http.StatusNotFound, description: "Not Found"})
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	if fault.cut() {
		_, _ = w.Write(f.data[:len(f.data)/2])
		fault.after()
	}
	_, _ = w.Write(f.data)
}
