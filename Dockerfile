# docker build --tag quantconnect-exporter .
# Any image with Python 3.11 or newer and pip can be the base.
ARG PYTHON_IMAGE=docker.io/library/python:3.13.9-slim-bookworm@sha256:b685a4fa58bb19d1814d78a1ec0f0208f351452724f78b20212c984d6e124a34

FROM ${PYTHON_IMAGE} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY requirements ./requirements
# Everything that is installed, to build or to run, has a locked hash. The final environment has no pip; pip
# compiles it, so that nothing has to be written at run time.
RUN python -m venv /build \
    && /build/bin/pip install --no-cache-dir --require-hashes --requirement requirements/build.txt \
    && python -m venv --without-pip /opt/quantconnect-exporter \
    && python -m pip --python /opt/quantconnect-exporter/bin/python install --no-cache-dir \
        --require-hashes --only-binary :all: --requirement requirements/runtime.txt
COPY exporter ./exporter
RUN /build/bin/python -m build --no-isolation --wheel --outdir /wheel . \
    && python -m pip --python /opt/quantconnect-exporter/bin/python install --no-cache-dir --no-deps /wheel/*.whl

FROM ${PYTHON_IMAGE}
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="quantconnect-exporter" \
      org.opencontainers.image.description="Prometheus exporter for live trading algorithms on QuantConnect" \
      org.opencontainers.image.source="https://github.com/quantconnect-exporter/quantconnect-exporter" \
      org.opencontainers.image.documentation="https://github.com/quantconnect-exporter/quantconnect-exporter/tree/main/docs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
COPY --from=build /opt/quantconnect-exporter /opt/quantconnect-exporter
COPY deploy/healthcheck.py /opt/quantconnect-exporter/
# Every interface of the container: which of them the world can reach is decided where its port is published.
ENV PATH=/opt/quantconnect-exporter/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS=:11722
# A number, because Kubernetes' runAsNonRoot does not accept a name.
USER 10001:10001
EXPOSE 11722
STOPSIGNAL SIGTERM
# docs/docker.md says how it finds the address, TLS and a password.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["python", "/opt/quantconnect-exporter/healthcheck.py"]
ENTRYPOINT ["quantconnect-exporter"]
# Last, because it is new with every commit.
ARG QUANTCONNECT_EXPORTER_REVISION=unknown
ENV QUANTCONNECT_EXPORTER_REVISION=${QUANTCONNECT_EXPORTER_REVISION}
LABEL org.opencontainers.image.revision="${QUANTCONNECT_EXPORTER_REVISION}"
