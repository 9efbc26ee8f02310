# The bundle as an image: its files, and labels that repeat bundle/metadata/annotations.yaml. The context is a directory with bundle/.
FROM scratch
LABEL operators.operatorframework.io.bundle.mediatype.v1=registry+v1 \
      operators.operatorframework.io.bundle.manifests.v1=manifests/ \
      operators.operatorframework.io.bundle.metadata.v1=metadata/ \
      operators.operatorframework.io.bundle.package.v1=semantic-router-operator \
      operators.operatorframework.io.bundle.channels.v1=candidate \
      operators.operatorframework.io.bundle.channel.default.v1=candidate \
      com.redhat.openshift.versions=v4.12
COPY bundle/manifests /manifests/
COPY bundle/metadata /metadata/
