"""Stores on object storage: moto's S3 server and a web server on loopback, answers delayed or refused at will."""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import genelight as gl
from genelight import cli
from genelight._core.provenance import sealed
from genelight.errors import FormatError, InputError, ResourceError
from genelight.io import Store, pack
from genelight.io.stores import _draft, _group
from genelight.io.stores._bucket import Bucket, located

fsspec = pytest.importorskip("fsspec")
s3fs = pytest.importorskip("s3fs")
serving = pytest.importorskip("werkzeug.serving")
application = pytest.importorskip("moto.moto_server.werkzeug_app")

REFUSED = {
    "EXPIRED": b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>",
    "WRONG": b"<Error><Code>InvalidAccessKeyId</Code><Message>The key id is not known.</Message></Error>",
}


@dataclass
class Late:
    """moto's server as an application that answers after `seconds`, and knows two keys that it refuses."""

    answer: object
    seconds: float = 0.0
    busy: int = 0
    most: int = 0
    lock: object = field(default_factory=threading.Lock)

    def __call__(self, environ, start):
        refused = next((body for key, body in REFUSED.items() if key in environ.get("HTTP_AUTHORIZATION", "")), None)
        if refused:
            start("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(refused)))])
            return [refused]
        with self.lock:
            self.busy += 1
            self.most = max(self.most, self.busy)
        try:
            time.sleep(self.seconds)
            return self.answer(environ, start)
        finally:
            with self.lock:
                self.busy -= 1


@pytest.fixture(scope="module")
def server():
    late = Late(application.DomainDispatcherApplication(application.create_backend_app))
    handler = type("Silent", (serving.WSGIRequestHandler,), {"log": lambda *_: None, "protocol_version": "HTTP/1.1"})
    http = serving.make_server("127.0.0.1", 0, late, threaded=True, request_handler=handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield SimpleNamespace(late=late, url=f"http://127.0.0.1:{http.server_port}")
    http.shutdown()
    thread.join()
    http.server_close()


KEPT = []


def forget():
    """Have the next request look at the environment anew; a client that were thrown away would warn."""
    KEPT.extend(s3fs.S3FileSystem._cache.values())
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Nothing of this machine's own credentials; small shards; what is packed meanwhile lies in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(_group, "SHARD_BYTES", 8 * 4 * 16)
    monkeypatch.setattr(_group, "PAUSE", 0.05)


@pytest.fixture
def bucket(server, monkeypatch, request):
    """The URL of a new bucket."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server.url,
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    name = f"b{abs(hash(request.node.name))}"
    fsspec.filesystem("s3").mkdir(name)
    yield f"s3://{name}"
    server.late.seconds = 0.0
    forget()


def table(file, samples=37, first=0):
    x_ng = np.random.default_rng(first).normal(8, 2, (samples, 12)).astype(np.float32)
    obs = pd.DataFrame({"age": range(first, first + samples)}, index=[f"s{i}" for i in range(first, first + samples)])
    adata = AnnData(x_ng, obs=obs, var=pd.DataFrame(index=[f"G{i:03d}" for i in range(12)]))
    adata.write_h5ad(file)
    return adata


def whole(store):
    return np.concatenate([x_ng for _, x_ng in store.blocks(5)])


@pytest.mark.parametrize("compress", [False, True])
def test_a_store_in_a_bucket_is_one_on_a_disk(bucket, tmp_path, compress):
    adata = table("a.h5ad")
    there, here = (pack(["a.h5ad"], out, compress=compress) for out in (f"{bucket}/in/a.zarr", "a.zarr"))
    assert str(there.path) == f"{bucket}/in/a.zarr"
    assert not (tmp_path / "a.zarr.part").exists()
    assert there.digest == here.digest
    np.testing.assert_array_equal(whole(there), adata.X)
    np.testing.assert_array_equal(there.take(np.array([30, 2, 2, 17])), adata.X[[30, 2, 2, 17]])
    pd.testing.assert_frame_equal(there.obs, here.obs)
    np.testing.assert_array_equal(gl.read(f"{bucket}/in/a.zarr").X, adata.X)
    assert gl.io.inspect(f"{bucket}/in/a.zarr").samples == 37
    found = gl.study.verify(f"{bucket}/in/a.zarr")
    assert (found.kind, found.whole, found.checked) == ("store", True, gl.study.verify("a.zarr").checked)
    again = pack([f"{bucket}/in/a.zarr"], "back.zarr")
    np.testing.assert_array_equal(whole(again), adata.X)


def test_commands_take_its_url(bucket, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_group, "SHARD_BYTES", 2**20)
    gl.demo.cohort()[:80].write_h5ad("flu.h5ad")
    url = f"{bucket}/flu.zarr"

    def say(*words):
        monkeypatch.setattr(sys, "argv", ["genelight", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr().out

    code, said = say("pack", "flu.h5ad", "--out", url)
    assert not code
    assert f"{url}: 80 samples x 4147 genes" in said
    code, said = say("inspect", url)
    assert not code
    assert url in said
    assert say("verify", url)[0] == 0
    code, said = say("fit", url, "--preset", "plain,epochs=2", "--widths", "8,4,8", "--out", "there")
    assert not code
    pack(["flu.h5ad"], "flu.zarr")
    assert say("fit", "flu.zarr", "--preset", "plain,epochs=2", "--widths", "8,4,8", "--out", "here")[0] == 0
    assert gl.load("there").digest == gl.load("here").digest


def test_blocks_are_on_their_way_while_one_is_worked_on(server, bucket):
    table("a.h5ad", samples=64)
    store = pack(["a.h5ad"], f"{bucket}/a.zarr")
    server.late.seconds, server.late.most = 0.05, 0
    # One sample is one chunk here, and one request each block.
    blocks = store.blocks(1, within=slice(0, 16))
    next(blocks)
    for _ in blocks:
        time.sleep(0.02)  # a step
    assert 3 <= server.late.most <= 4


def test_samples_are_appended_while_others_read(server, bucket):
    adata, more = table("a.h5ad"), table("b.h5ad", samples=20, first=37)
    both = np.concatenate([adata.X, more.X])
    url = f"{bucket}/a.zarr"
    before = pack(["a.h5ad"], url)
    server.late.seconds = 0.01
    done = threading.Event()

    def reading():
        seen = set()
        while True:
            last = done.is_set()
            found = Store.open(url)
            np.testing.assert_array_equal(whole(found), both[: found.n_obs])
            assert list(found.obs["age"]) == list(range(found.n_obs))
            seen.add(found.n_obs)
            if last:
                return seen

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(reading)
        after = pack(["b.h5ad"], url, append=True)
        done.set()
        seen = reader.result()
    assert max(seen) == 57
    assert [entry["input"] for entry in after.account["inputs"]] == ["a.h5ad", "b.h5ad"]
    np.testing.assert_array_equal(whole(after), both)
    np.testing.assert_array_equal(whole(before), adata.X)
    assert list(before.obs["age"]) == list(range(37))
    assert gl.study.verify(url).whole


def test_a_broken_off_pack_goes_on(bucket, monkeypatch):
    adata = table("a.h5ad")
    url, put, upload = f"{bucket}/a.zarr", [], Bucket.upload

    def breaks(self, file, name):
        if len(put) == 2:
            raise ResourceError("broken off")
        put.append(name)
        upload(self, file, name)

    monkeypatch.setattr(Bucket, "upload", breaks)
    with pytest.raises(ResourceError, match="broken off"):
        pack(["a.h5ad"], url)
    with pytest.raises(ResourceError, match="does not exist"):
        Store.open(url)
    rest = []
    monkeypatch.setattr(Bucket, "upload", lambda self, file, name: (rest.append(name), upload(self, file, name)))
    np.testing.assert_array_equal(whole(pack(["a.h5ad"], url)), adata.X)
    assert (put, rest[0]) == (["X/c/0/0", "X/c/1/0"], "X/c/2/0")


def test_tables_half_put_are_told_and_put_again(bucket, monkeypatch):
    adata, more = table("a.h5ad"), table("b.h5ad", samples=20, first=37)
    url, write = f"{bucket}/a.zarr", Bucket.write
    pack(["a.h5ad"], url)

    def breaks(self, contents):
        if "zarr.json" in contents:
            raise ResourceError("broken off")
        write(self, contents)

    monkeypatch.setattr(Bucket, "write", breaks)
    with pytest.raises(ResourceError, match="broken off"):
        pack(["b.h5ad"], url, append=True)
    monkeypatch.setattr(Bucket, "write", write)
    with pytest.raises(FormatError, match="appending to it was broken off, type that again"):
        Store.open(url)
    np.testing.assert_array_equal(whole(pack(["b.h5ad"], url, append=True)), np.concatenate([adata.X, more.X]))


def test_two_who_append_at_once_are_told(bucket, monkeypatch):
    table("a.h5ad"), table("b.h5ad", samples=5, first=37), table("c.h5ad", samples=5, first=50)
    url, publish = f"{bucket}/a.zarr", _draft._publish
    pack(["a.h5ad"], url)

    def another_first(part, out):
        monkeypatch.setattr(_draft, "_publish", publish)
        (part.parent / "elsewhere").mkdir()
        monkeypatch.chdir("elsewhere")
        pack(["../c.h5ad"], url, append=True)
        monkeypatch.chdir("..")
        publish(part, out)

    monkeypatch.setattr(_draft, "_publish", another_first)
    with pytest.raises(ResourceError, match=r"was changed by another .* remove a.zarr.part and type the same again"):
        pack(["b.h5ad"], url, append=True)


@pytest.mark.parametrize("change", ["another", "gone"])
def test_a_bucket_that_changes_under_the_run_is_told_by_its_shard(bucket, change):
    table("a.h5ad")
    url = f"{bucket}/a.zarr"
    store = pack(["a.h5ad"], url)
    whole(store)
    files = fsspec.filesystem("s3")
    shard = f"{url}/X/c/1/0"
    if change == "gone":
        files.rm(shard)
    else:
        files.pipe_file(shard, files.cat_file(f"{url}/X/c/0/0"))
    with pytest.raises(FormatError, match=rf"{shard} was altered or removed: samples 8 to 8 .* pack the store again"):
        whole(store)
    with pytest.raises(FormatError, match=shard):
        store.take(np.array([9, 20]))
    assert gl.study.verify(url).wrong == {"X/c/1/0": "altered or missing"}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"AWS_ACCESS_KEY_ID": "EXPIRED"}, "your credentials have expired .* set AWS_PROFILE"),
        ({"AWS_ACCESS_KEY_ID": "WRONG"}, "does not let you in .* set AWS_PROFILE"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "does not let you in .* set AWS_PROFILE"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "cannot be reached .* AWS_ENDPOINT_URL"),
    ],
)
def test_what_does_not_let_in_is_told_in_one_line(bucket, monkeypatch, keys, said):
    table("a.h5ad")
    pack(["a.h5ad"], f"{bucket}/a.zarr")
    for name, value in keys.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    forget()
    verbs = (Store.open, gl.read, gl.study.verify, partial(pack, ["a.h5ad"]))
    for verb in verbs[:1] if "AWS_ENDPOINT_URL" in keys else verbs:
        with pytest.raises(ResourceError, match=said) as told:
            verb(f"{bucket}/a.zarr")
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("compress", [False, True])
def test_a_server_that_falls_silent_is_no_damage(bucket, monkeypatch, compress):
    table("a.h5ad")
    store = pack(["a.h5ad"], f"{bucket}/a.zarr", compress=compress)

    async def gone(*_, **__):
        raise ConnectionResetError("peer has gone")

    monkeypatch.setattr(s3fs.S3FileSystem, "_cat_file", gone)
    with pytest.raises(ResourceError, match=r"cannot be reached .*peer has gone"):
        whole(store)


@pytest.mark.parametrize("left_out", [False, True])
def test_bare_values_come_straight_and_those_of_a_shard_with_gaps_by_its_index(bucket, monkeypatch, left_out):
    adata = table("a.h5ad")
    if left_out:
        adata.X[9:14] = np.nan
        adata.write_h5ad("a.h5ad")
    store = pack(["a.h5ad"], f"{bucket}/a.zarr")
    decoded, kind = [], type(store._group.x)
    decode = kind.__getitem__
    monkeypatch.setattr(kind, "__getitem__", lambda x, at: decoded.append(at) or decode(x, at))
    np.testing.assert_array_equal(whole(store), adata.X)
    assert bool(decoded) == left_out
    np.testing.assert_array_equal(store.take(np.array([36, 2, 10])), adata.X[[36, 2, 10]])


def test_names_that_are_not_there(bucket, monkeypatch):
    table("a.h5ad")
    with pytest.raises(ResourceError, match=r"s3://nobody-has-this/a.zarr does not exist .*bucket.*; check the name"):
        Store.open("s3://nobody-has-this/a.zarr")
    with pytest.raises(ResourceError, match="bucket does not exist"):
        pack(["a.h5ad"], "s3://nobody-has-this/a.zarr")
    with pytest.raises(ResourceError, match=rf"{bucket}/none.zarr does not exist"):
        Store.open(f"{bucket}/none.zarr")
    with pytest.raises(ResourceError, match="is no store that samples could be appended to"):
        pack(["a.h5ad"], f"{bucket}/none.zarr", append=True)
    with pytest.raises(InputError, match="nothing else is read from object storage; copy it to a disk"):
        gl.read(f"{bucket}/a.h5ad")
    pack(["a.h5ad"], f"{bucket}/a.zarr")
    with pytest.raises(ResourceError, match="exists already and was left as it is; add samples to it with --append"):
        pack(["a.h5ad"], f"{bucket}/a.zarr")
    with pytest.raises(ResourceError, match="type s3://, gs:// or https://"):
        Store.open("store://a.zarr")
    fsspec.register_implementation("s9", "s9fs.S9", errtxt="Install s9fs", clobber=True)
    with pytest.raises(ResourceError, match=r"\(Install s9fs\); type pip install 'genelight\[cloud\]'"):
        Store.open("s9://bucket/a.zarr")


def test_a_web_server_is_read_from(tmp_path):
    adata = table("a.h5ad")
    adata.obs["cell type, 50%"] = "B"
    adata.write_h5ad("a.h5ad")
    pack(["a.h5ad"], "web/a.zarr")
    handler = type("Silent", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory="web")) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{http.server_port}/a.zarr"
            with pytest.raises(InputError, match="is on the web, which is only read; pack to a disk, or to s3://"):
                pack(["a.h5ad"], url.replace("a.zarr", "new.zarr"))
            with pytest.raises(ResourceError, match=r"none.zarr does not exist"):
                Store.open(url.replace("a.zarr", "none.zarr"))
            assert list(Store.open(url).obs["cell type, 50%"]) == ["B"] * 37
        finally:
            http.shutdown()
            thread.join()


def test_a_study_names_a_store_by_its_url(tmp_path):
    words = '[data]\nexpression = "s3://bucket/a.zarr"\nsamples = "sheet.csv"\n'
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "study.toml").write_text(words + '[contrast]\ncase = "x == 1"\ncontrol = "x == 0"\n')
    study = gl.study.Study.load("deep/study.toml")
    assert (study.data.expression, study.data.samples) == ("s3://bucket/a.zarr", "deep/sheet.csv")
    assert study.seen_from(tmp_path / "deep").data.expression == "s3://bucket/a.zarr"


def test_what_fsspec_knows_besides_is_written_and_read():
    adata = table("a.h5ad")
    store = pack(["a.h5ad"], "memory://shelf/a.zarr")
    np.testing.assert_array_equal(whole(store), adata.X)
    assert str(located("memory://shelf/a.zarr") / "X") == "memory://shelf/a.zarr/X"
    assert "memory://shelf/a.zarr" in repr(store)


@pytest.mark.parametrize(
    "url",
    [
        "https://bob:sesame@host/a.zarr",
        "https://sesame@host/a.zarr",
        "s3://AKIA:sesame@bucket/a.zarr",
        "https://host/a.zarr?X-Amz-Signature=sesame",
        "https:/bob:sesame@host/a.zarr",
    ],
)
def test_credentials_in_a_url_stop_and_are_not_repeated(url, monkeypatch, capsys, tmp_path):
    with pytest.raises(InputError, match=r"holds credentials or a signature.*leave them out, and for S3 set") as error:
        located(url)
    assert "sesame" not in str(error.value)
    for words in (["inspect", url], ["fit", url, "--out", str(tmp_path / "m")], ["pack", "x.h5ad", "--out", url]):
        monkeypatch.setattr(sys, "argv", ["genelight", *words])
        with pytest.raises(SystemExit):
            cli.main()
        said = capsys.readouterr()
        assert "sesame" not in said.out + said.err


def test_the_at_of_a_container_is_no_secret():
    assert str(located("abfs://box@account.dfs.core.windows.net/a.zarr")).startswith("abfs://box@account")


def test_the_url_of_a_file_is_its_path(tmp_path):
    assert located(f"file://{tmp_path}/my%20a.zarr") == tmp_path / "my a.zarr"
    assert located(f"file://localhost{tmp_path}/a.zarr") == tmp_path / "a.zarr"


@pytest.mark.parametrize("name", ["obs/../../secret", "/etc/hostname", ".."])
def test_a_store_reads_nothing_beside_itself(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table("a.h5ad")
    store = pack(["a.h5ad"], tmp_path / "a.zarr")
    stamped = tmp_path / "a.zarr" / "zarr.json"
    content = json.loads(stamped.read_text())
    about = content["attributes"]["genelight"]
    about["files"][name] = "0" * 16
    content["attributes"]["genelight"] = sealed(about)
    stamped.write_text(json.dumps(content))
    with pytest.raises(FormatError, match="which leads out of it; pack it again"):
        _group.contents(tmp_path / "a.zarr", about["files"])
    if name.startswith("obs/"):
        with pytest.raises(FormatError, match="which leads out of it; pack it again"):
            _ = Store.open(store.path).obs
