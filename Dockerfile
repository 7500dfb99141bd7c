# No test builds this image; see packaging/README.md for the other drafts.
# docker build -t genelight . && docker run --rm -v "$PWD:/data" -w /data genelight run study.toml --out RUN
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir --constraint /src/constraints.txt /src && rm -rf /src
RUN useradd --create-home reader
USER reader
ENTRYPOINT ["genelight"]
CMD ["--help"]
