# The catalog as an image, served by opm. The context is a directory with catalog/.
ARG OPM_IMAGE=quay.io/operator-framework/opm:v1.60.0
FROM ${OPM_IMAGE}
COPY catalog /configs
RUN ["/bin/opm", "serve", "/configs", "--cache-dir=/tmp/cache", "--cache-only"]
ENTRYPOINT ["/bin/opm"]
CMD ["serve", "/configs", "--cache-dir=/tmp/cache"]
LABEL operators.operatorframework.io.index.configs.v1=/configs
