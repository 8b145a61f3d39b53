package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"flowbot/service"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// bucket keeps blobs as objects of an S3 bucket, named PREFIX/sha256. What
// comes back is compared with its name before anybody sees it.
type bucket struct {
	s3     *minio.Client
	name   string
	prefix string // "" or ends in a slash
}

func openBucket(ctx context.Context, address string, o S3) (*bucket, error) {
	name, prefix, _ := strings.Cut(address, "/")
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	endpoint := o.Endpoint
	if endpoint == "" {
		endpoint = "https://s3.amazonaws.com"
	}
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("address of the bucket's server %q: want https://HOST", endpoint)
	}
	keys := credentials.NewStaticV4(o.Key, o.Secret, "")
	if o.Key == "" {
		keys = credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{},
		})
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:  keys,
		Secure: u.Scheme == "https",
		Region: o.Region,
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	ok, err := client.BucketExists(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	if !ok {
		return nil, fmt.Errorf("bucket %s does not exist", name)
	}
	return &bucket{s3: client, name: name, prefix: prefix}, nil
}

// Put implements service.FileStore. The content has to be read to the end before
// its name is known, so it waits in a temporary file.
func (b *bucket) Put(ctx context.Context, r io.Reader) (sha string, size int64, err error) {
	f, sha, size, err := spool(ctx, "", r)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", 0, fmt.Errorf("store file %s: %w", sha, err)
	}
	// Sent even if it is there: a new object is young for Sweep.
	info, err := b.s3.PutObject(ctx, b.name, b.prefix+sha, f, size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", SendContentMd5: true,
		// A signed stream of no bytes goes out without a length, which servers
		// refuse.
		DisableContentSha256: size == 0,
	})
	if err != nil {
		return "", 0, fmt.Errorf("store file %s: %w", sha, err)
	}
	if info.Size != size {
		return "", 0, fmt.Errorf("store file %s: the bucket took %d bytes of %d", sha, info.Size, size)
	}
	return sha, size, nil
}

// Open implements service.FileStore.
func (b *bucket) Open(ctx context.Context, sha string) (io.ReadSeekCloser, error) {
	name, release, err := b.Local(ctx, sha)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	release() // the open file stays readable
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", sha, err)
	}
	return f, nil
}

// Local implements service.FileStore.
func (b *bucket) Local(ctx context.Context, sha string) (string, func(), error) {
	if !isSHA(sha) {
		return "", nil, noFile(sha, nil)
	}
	o, err := b.s3.GetObject(ctx, b.name, b.prefix+sha, minio.GetObjectOptions{})
	if err != nil {
		return "", nil, fmt.Errorf("fetch file %s: %w", sha, err)
	}
	defer o.Close()
	f, got, _, err := spool(ctx, "", o)
	if isAbsent(err) {
		return "", nil, noFile(sha, err)
	}
	if err != nil {
		return "", nil, fmt.Errorf("fetch file %s: %w", sha, err)
	}
	release := func() { _ = os.Remove(f.Name()) }
	if err := f.Close(); err != nil {
		release()
		return "", nil, fmt.Errorf("fetch file %s: %w", sha, err)
	}
	if got != sha {
		release()
		return "", nil, fmt.Errorf("fetch file %s: %w", sha, errDamaged)
	}
	return f.Name(), release, nil
}

// errDamaged means that a blob's content is not what its name says.
var errDamaged = errors.New("its content is damaged")

// Has implements service.FileStore.
func (b *bucket) Has(ctx context.Context, sha string) (bool, error) {
	if !isSHA(sha) {
		return false, nil
	}
	_, err := b.s3.StatObject(ctx, b.name, b.prefix+sha, minio.StatObjectOptions{})
	if isAbsent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for file %s: %w", sha, err)
	}
	return true, nil
}

// Each implements service.FileStore.
func (b *bucket) Each(ctx context.Context, fn func(sha256 string, size int64) error) error {
	return b.list(ctx, func(sha string, o minio.ObjectInfo) error { return fn(sha, o.Size) })
}

func (b *bucket) list(ctx context.Context, fn func(sha string, o minio.ObjectInfo) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing when fn does
	for o := range b.s3.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("list the files: %w", o.Err)
		}
		if sha := path.Base(o.Key); isSHA(sha) && o.Key == b.prefix+sha {
			if err := fn(sha, o); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// Sweep implements service.FileStore. A bucket has no locks: a blob that was put
// long ago, is unknown, and is put again in the very moment between the last
// look and the removal is lost.
func (b *bucket) Sweep(ctx context.Context, age time.Duration, known func(context.Context, string) (bool, error)) (int, error) {
	before := time.Now().Add(-age)
	removed := 0
	err := b.list(ctx, func(sha string, o minio.ObjectInfo) error {
		if o.LastModified.After(before) {
			return nil
		}
		keep, err := known(ctx, sha)
		if err != nil || keep {
			return err
		}
		now, err := b.s3.StatObject(ctx, b.name, o.Key, minio.StatObjectOptions{})
		if isAbsent(err) || (err == nil && now.LastModified.After(before)) {
			return nil
		}
		if err == nil {
			err = b.s3.RemoveObject(ctx, b.name, o.Key, minio.RemoveObjectOptions{})
		}
		if err != nil {
			return fmt.Errorf("sweep file %s: %w", sha, err)
		}
		removed++
		return nil
	})
	return removed, err
}

// isAbsent reports whether the server says that there is no such object.
func isAbsent(err error) bool {
	var r minio.ErrorResponse
	return errors.As(err, &r) && (r.Code == minio.NoSuchKey || r.StatusCode == http.StatusNotFound)
}

var (
	_ service.FileStore = (*bucket)(nil)
	_ service.FileStore = (*directory)(nil)
)
