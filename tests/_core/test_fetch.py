"""Downloads, from a server of this process on the loopback address; nothing reaches a network."""

import gzip
import hashlib
import io
import json
import shutil
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genelight._core.fetch import LOCK, Cache, fetch
from genelight._core.sources import SOURCES, Remote, find_source
from genelight.errors import FormatError, ResourceError, UnknownNameError

CONTENT = bytes(range(256)) * 4000


class Files(BaseHTTPRequestHandler):
    """Serves ``server.files``, misbehaving as ``server.faults`` says, once for each entry."""

    protocol_version = "HTTP/1.1"

    def do_GET(self, *, body=True):
        server = self.server
        server.asked.append((self.command, self.path, self.headers.get("Range")))
        fault = server.faults.pop(0) if server.faults and body else None
        if self.path not in server.files:
            return self.send_error(404)
        if fault == "503":
            return self.send_error(503)
        if fault and fault.startswith("to "):
            self.send_response(302)
            self.send_header("Location", fault.removeprefix("to "))
            self.send_header("Content-Length", "0")
            return self.end_headers()
        content = server.files[self.path]
        tag = '"' + hashlib.sha256(content).hexdigest()[:8] + '"'
        first, asked = 0, self.headers.get("Range")
        if asked and server.ranges and self.headers.get("If-Range") == tag:
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if first else 200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not body:
            return None
        if fault == "corrupt":
            content = bytes(len(content))
        half = first + (len(content) - first) // 2
        self.wfile.write(content[first:half])
        if fault == "cut":
            self.close_connection = True
            return None
        if fault == "slow":
            self.wfile.flush()
            server.patience.wait(2.0)
            self.close_connection = True
            return None
        self.wfile.write(content[half:])
        return None

    def do_HEAD(self):
        self.do_GET(body=False)

    def log_message(self, *words):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Files) as server:
        server.files, server.faults, server.asked, server.ranges = {"/a.bin": CONTENT}, [], [], True
        server.patience = threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.patience.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, server):
    return Cache(tmp_path / "cache", timeout=0.3, wait=0.01)


def remote(server, sha256=None, name="a.bin"):
    return Remote(f"{server.url}/{name}", name, sha256)


def ranges(server):
    return [asked for method, _, asked in server.asked if method == "GET"]


def test_a_file_is_fetched_once_and_its_checksum_recorded(server, cache):
    path, *_ = cache.get(remote(server))
    assert path.read_bytes() == CONTENT
    assert cache.get(remote(server)) == [path]
    assert len(server.asked) == 1
    entry = json.loads((cache.folder / LOCK).read_text())["a.bin"]
    assert entry["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert entry["bytes"] == len(CONTENT)
    assert not list(cache.folder.glob("*.part*"))


@pytest.mark.parametrize("fault", ["cut", "slow"])
def test_a_broken_download_goes_on_where_it_was(server, cache, fault):
    server.faults = [fault, fault]
    assert cache.get(remote(server))[0].read_bytes() == CONTENT
    nothing, *starts = ranges(server)
    assert nothing is None
    first, second = (int(start.removeprefix("bytes=").removesuffix("-")) for start in starts)
    piece = 1 << 16
    assert len(CONTENT) // 2 - piece < first <= len(CONTENT) // 2
    assert first + (len(CONTENT) - first) // 2 - piece < second <= first + (len(CONTENT) - first) // 2


def test_what_has_arrived_is_kept_for_the_next_run(server, cache):
    server.faults = ["cut"] * 5
    with pytest.raises(ResourceError, match=r"broke off 5 times \(.*bytes are kept, run it again"):
        cache.get(remote(server))
    kept = (cache.folder / "a.bin.part").stat().st_size
    assert 0 < kept < len(CONTENT)
    server.asked.clear()
    assert cache.get(remote(server))[0].read_bytes() == CONTENT
    assert ranges(server) == [f"bytes={kept}-"]


def test_a_server_without_ranges_sends_it_all_again(server, cache):
    server.ranges, server.faults = False, ["cut"]
    assert cache.get(remote(server))[0].read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_begun_anew(server, cache):
    server.faults = ["cut"] * 5
    with pytest.raises(ResourceError):
        cache.get(remote(server))
    server.files["/a.bin"] = CONTENT[::-1]
    assert cache.get(remote(server))[0].read_bytes() == CONTENT[::-1]


def test_a_busy_server_is_asked_again(server, cache):
    server.faults = ["503", "503"]
    assert cache.get(remote(server))[0].read_bytes() == CONTENT


def test_redirects_are_followed(server, cache):
    server.files["/moved/b.bin"] = b"moved"
    server.faults = [f"to {server.url}/moved/b.bin"]
    assert cache.get(remote(server))[0].read_bytes() == b"moved"


def test_a_corrupt_file_is_not_taken_for_the_pinned_one(server, cache):
    pinned = remote(server, hashlib.sha256(CONTENT).hexdigest())
    server.faults = ["corrupt"]
    with pytest.raises(FormatError, match="checksum is pinned"):
        cache.get(pinned)
    assert not (cache.folder / "a.bin").exists()
    assert cache.get(pinned)[0].read_bytes() == CONTENT


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(server, cache):
    path = cache.get(remote(server))[0]
    path.write_bytes(b"damaged")
    assert cache.get(remote(server))[0].read_bytes() == CONTENT
    path.write_bytes(b"damaged")
    server.files["/a.bin"] = b"a newer file"
    with pytest.raises(FormatError, match=f"checksum is recorded in .*{LOCK}"):
        cache.get(remote(server))


def test_what_is_not_there_says_what_to_do(server, cache):
    with pytest.raises(ResourceError, match=r"answered 404.*GENELIGHT_MIRRORS"):
        cache.get(remote(server, name="none.bin"))
    with pytest.raises(ResourceError, match="answered 404"):
        cache.size(remote(server, name="none.bin"))
    gone = Remote("http://127.0.0.1:9/a.bin", "a.bin")
    with pytest.raises(ResourceError, match="cannot be reached"):
        cache.size(gone)
    with pytest.raises(ResourceError, match="broke off 5 times"):
        cache.get(gone)


def test_the_size_is_known_before_the_download(server, cache):
    assert cache.size(remote(server)) == len(CONTENT)
    assert [method for method, *_ in server.asked] == ["HEAD"]
    assert not list(cache.folder.glob("a.bin*"))


def test_offline_reads_the_cache_and_nothing_else(server, cache):
    offline = Cache(cache.folder, offline=True)
    with pytest.raises(ResourceError, match="downloads are off"):
        offline.get(remote(server))
    assert offline.size(remote(server)) is None
    assert not server.asked
    cache.get(remote(server))
    assert offline.get(remote(server))[0].read_bytes() == CONTENT
    assert offline.size(remote(server)) == len(CONTENT)


def test_two_at_once_download_once(server, cache):
    server.faults = ["slow"]
    found = []
    threads = [threading.Thread(target=lambda: found.append(cache.get(remote(server)))) for _ in range(3)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert found == [[cache.folder / "a.bin"]] * 3
    assert len(server.asked) == 2


def test_the_environment_decides(server, tmp_path, monkeypatch):
    mirrors = tmp_path / "mirrors.toml"
    mirrors.write_text(
        f'[mirrors]\n"https://ftp.ncbi.nlm.nih.gov/" = "http://127.0.0.1:1/"\n'
        f'"https://ftp.ncbi.nlm.nih.gov/geo/" = "{server.url}/lab/"\n'
    )
    monkeypatch.setenv("GENELIGHT_CACHE", str(tmp_path / "shared"))
    monkeypatch.setenv("GENELIGHT_MIRRORS", str(mirrors))
    monkeypatch.setenv("GENELIGHT_OFFLINE", "0")
    server.files["/lab/series/GSE30nnn/GSE30550/matrix/GSE30550_series_matrix.txt.gz"] = b"matrix"
    assert fetch("GSE30550") == [tmp_path / "shared" / "GSE30550_series_matrix.txt.gz"]
    monkeypatch.setenv("GENELIGHT_OFFLINE", "1")
    assert fetch("GSE30550")[0].read_bytes() == b"matrix"
    with pytest.raises(ResourceError, match="downloads are off"):
        fetch("reactome")
    mirrors.write_text("mirrors = 3")
    with pytest.raises(FormatError, match=r"no readable table \[mirrors\]"):
        fetch("GSE30550")


def test_sources_say_where_what_and_on_which_terms():
    for source in SOURCES.values():
        assert source.version
        assert source.licence
        for file in source.files:
            assert file.url.startswith("https://")
    assert find_source("GSE12").files[0].url.endswith("/series/GSEnnn/GSE12/matrix/GSE12_series_matrix.txt.gz")
    assert find_source("GSE30550-GPL96").files[0].name == "GSE30550-GPL96_series_matrix.txt.gz"
    assert find_source("GPL570").files[0].url.endswith("/platforms/GPLnnn/GPL570/annot/GPL570.annot.gz")
    assert find_source("GPL10558").files[0].url.endswith("/platforms/GPL10nnn/GPL10558/annot/GPL10558.annot.gz")
    urls = [file.url for file in find_source("recount3:tcga/BRCA").files]
    assert urls[0].endswith("human/data_sources/tcga/gene_sums/CA/BRCA/tcga.gene_sums.BRCA.G026.gz")
    with pytest.raises(UnknownNameError, match="reactome"):
        find_source("reactom")
    with pytest.raises(UnknownNameError, match="GSE30550"):
        find_source("nothing of the kind")


def zipped(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def test_fetched_files_are_what_the_readers_read(server, cache):
    """Files written to the providers' published formats."""
    from genelight.io import read_network, read_sets

    server.files |= {
        "/ReactomePathways.gmt.zip": zipped(
            "ReactomePathways.gmt", "Interferon\tR-HSA-1\tMX1\tOAS1\nCycle\tR-HSA-2\tCDK1\n"
        ),
        "/links.txt.gz": gzip.compress(
            b"protein1 protein2 combined_score\n9606.ENSP00000000001 9606.ENSP00000000002 900\n"
            b"9606.ENSP00000000002 9606.ENSP00000000003 150\n"
        ),
    }
    sets = read_sets(cache.get(remote(server, name="ReactomePathways.gmt.zip"))[0])
    assert sorted(sets.table["target"]) == ["CDK1", "MX1", "OAS1"]
    links = read_network(cache.get(remote(server, name="links.txt.gz"))[0], ids="ensp", cut=700)
    assert links.table[["source", "target"]].to_numpy().tolist() == [["ENSP00000000001", "ENSP00000000002"]]
    server.files["/broken.zip"] = server.files["/ReactomePathways.gmt.zip"][:60]
    with pytest.raises(FormatError, match="no whole zip archive"):
        cache.get(remote(server, name="broken.zip"))


def test_an_archive_that_was_being_unpacked_is_unpacked_anew(server, cache, monkeypatch):
    server.files["/sets.zip"] = zipped("sets.gmt", "A\t-\tMX1\tOAS1\n" * 1000)

    def stopped(archive, folder):
        (folder / "sets.gmt").write_text("A\t-\tMX")
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(zipfile.ZipFile, "extractall", stopped)
        with pytest.raises(KeyboardInterrupt):
            cache.get(remote(server, name="sets.zip"))
    (found,) = cache.get(remote(server, name="sets.zip"))
    assert found.read_text() == "A\t-\tMX1\tOAS1\n" * 1000


def test_an_archive_that_fills_the_disk_is_not_unpacked(server, cache, monkeypatch):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sets.gmt", b"A" * 100_000_000)
    server.files["/bomb.zip"] = file.getvalue()
    with pytest.raises(FormatError, match="unpacks to 95 MB of repetition"):
        cache.get(remote(server, name="bomb.zip"))
    server.files["/large.zip"] = zipped("sets.gmt", "A\t-\tMX1\tOAS1\n" * 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2000, 1000, 1000))
    with pytest.raises(ResourceError, match="where 0 are free; set GENELIGHT_CACHE"):
        cache.get(remote(server, name="large.zip"))
    assert not [path for path in cache.folder.iterdir() if path.name.endswith(".unzip")]


def test_no_member_of_an_archive_leaves_its_folder(server, cache):
    server.files["/up.zip"] = zipped("../../up.txt", "x")
    (found,) = cache.get(remote(server, name="up.zip"))
    assert found.parent == cache.folder / "up.zip.unzip"
